// Dense products and dense causal attention with their gradients, against f64.
#include <gtest/gtest.h>

#include "tests/kernel/row_support.h"

namespace pomona::kernel {
namespace {

class Dense : public testing::TestWithParam<simd::Level> {
 protected:
  const MathTable<float>& kernels() const { return table(GetParam()).f32; }
};

INSTANTIATE_TEST_SUITE_P(Levels, Dense, testing::ValuesIn(levels()),
                         [](const auto& level) { return std::string(simd::name_of(level.param)); });

struct Sizes {
  std::int64_t M, N, K;
};
const Sizes kSizes[] = {{1, 1, 1},     {5, 3, 2},    {7, 17, 65},
                        {13, 64, 130}, {6, 131, 64}, {25, 97, 33}};

using Matmul = decltype(MathTable<float>::matmul_nt);

/// a(m, k) = a[m * a_row + k * a_step] and so on: the three kernels differ by strides alone.
void expect_product(Matmul matmul, const Sizes& s, std::int64_t a_row, std::int64_t a_step,
                    std::int64_t b_row, std::int64_t b_step) {
  const auto a = normal(s.M * s.K, 1), b = normal(s.N * s.K, 2), old = normal(s.M * s.N, 3);
  for (const bool accumulate : {false, true}) {
    auto y = old;
    matmul(a.data(), b.data(), y.data(), s.M, s.N, s.K, accumulate);
    for (std::int64_t m = 0; m < s.M; ++m) {
      for (std::int64_t n = 0; n < s.N; ++n) {
        double want = accumulate ? old[m * s.N + n] : 0, size = std::fabs(want);
        for (std::int64_t k = 0; k < s.K; ++k) {
          const double term =
              static_cast<double>(a[m * a_row + k * a_step]) * b[n * b_row + k * b_step];
          want += term;
          size += std::fabs(term);
        }
        EXPECT_NEAR(y[m * s.N + n], want, static_cast<double>(s.K + 1) * kU * size);
      }
    }
  }
}

TEST_P(Dense, ProductsAreWithinTheRoundingOfTheirSums) {
  for (const Sizes& s : kSizes) {
    expect_product(kernels().matmul_nt, s, s.K, 1, s.K, 1);
    expect_product(kernels().matmul_nn, s, s.K, 1, 1, s.N);
    expect_product(kernels().matmul_tn, s, 1, s.M, 1, s.N);
  }
}

TEST_P(Dense, RowsOfAProductDoNotDependOnTheOthers) {
  const std::int64_t M = 13, N = 70, K = 100;
  const auto a = normal(M * K, 4), b = normal(N * K, 5);
  std::vector<float> all(M * N), one(N);
  kernels().matmul_nt(a.data(), b.data(), all.data(), M, N, K, false);
  for (std::int64_t m = 0; m < M; ++m) {
    kernels().matmul_nt(a.data() + m * K, b.data(), one.data(), 1, N, K, false);
    for (std::int64_t n = 0; n < N; ++n) EXPECT_EQ(one[n], all[m * N + n]);
  }
}

/// One head's dense attention with rows in wider rows, as heads lie in a tensor.
template <class T>
struct Head {
  std::int64_t rows, E;
  std::int64_t q_stride = 2 * E + 3, kv_stride = E + 1, y_stride = 2 * E;
  std::vector<T> q = normal<T>(rows * q_stride, 6);
  std::vector<T> k = normal<T>(rows * kv_stride, 7);
  std::vector<T> v = normal<T>(rows * kv_stride, 8);
  std::vector<T> dy = normal<T>(rows * y_stride, 9);
  Scoring scoring = {1 / std::sqrt(static_cast<double>(E))};
  std::vector<T> y = std::vector<T>(dy.size());
  std::vector<T> lse = std::vector<T>(rows);

  void forward(const MathTable<T>& kernels) {
    kernels.attention(q.data(), q_stride, k.data(), v.data(), kv_stride, y.data(), y_stride,
                      lse.data(), rows, E, scoring);
  }
};

struct Gradients {
  std::vector<double> q, k, v;
};

template <class T>
Gradients backward(const MathTable<T>& kernels, const Head<T>& h) {
  std::vector<T> dq(h.q.size()), dk(h.k.size()), dv(h.v.size());
  kernels.attention_back(h.dy.data(), h.y.data(), h.y_stride, h.q.data(), h.q_stride, h.k.data(),
                         h.v.data(), h.kv_stride, h.lse.data(), dq.data(), dk.data(), dv.data(),
                         h.q_stride, h.kv_stride, h.rows, h.E, h.scoring);
  return {{dq.begin(), dq.end()}, {dk.begin(), dk.end()}, {dv.begin(), dv.end()}};
}

struct HeadCase {
  std::int64_t rows, E, window = 0;
  double softcap = 0;

  template <class T>
  Head<T> head() const {
    Head<T> h{rows, E};
    h.scoring.window = window;
    h.scoring.softcap = softcap;
    return h;
  }
};
const HeadCase kHeads[] = {{1, 16},      {5, 8},         {64, 64},         {65, 10},
                           {150, 64},    {130, 80},      {150, 16, 1},     {200, 16, 10},
                           {200, 8, 64}, {270, 16, 100}, {70, 16, 0, 2.5}, {150, 16, 70, 1.5}};

TEST(DenseOracle, AttentionIsSoftmaxOfScores) {
  for (const HeadCase& one : kHeads) {
    const std::int64_t rows = one.rows, E = one.E;
    auto h = one.head<double>();
    h.forward(oracle());
    for (std::int64_t i = 0; i < rows; ++i) {
      std::vector<double> weights(i + 1);
      double sum = 0;
      for (std::int64_t j = 0; j <= i; ++j) {
        if (one.window > 0 && j <= i - one.window) continue;  // its weight is 0
        double score = 0;
        for (std::int64_t e = 0; e < E; ++e)
          score += h.q[i * h.q_stride + e] * h.k[j * h.kv_stride + e];
        score *= h.scoring.scale;
        if (one.softcap > 0) score = one.softcap * std::tanh(score / one.softcap);
        sum += weights[j] = std::exp(score);
      }
      EXPECT_NEAR(h.lse[i], std::log(sum), 1e-13 * static_cast<double>(E + rows));
      for (std::int64_t e = 0; e < E; ++e) {
        double want = 0;
        for (std::int64_t j = 0; j <= i; ++j) want += weights[j] / sum * h.v[j * h.kv_stride + e];
        EXPECT_NEAR(h.y[i * h.y_stride + e], want, 1e-13 * static_cast<double>(E + rows));
      }
    }
  }
}

std::vector<double> differences(Head<double>& h, std::vector<double> Head<double>::* input) {
  const auto loss = [&] {
    h.forward(oracle());
    double sum = 0;
    for (std::int64_t i = 0; i < h.rows; ++i) {
      for (std::int64_t e = 0; e < h.E; ++e)
        sum += h.y[i * h.y_stride + e] * h.dy[i * h.y_stride + e];
    }
    return sum;
  };
  std::vector<double> slopes;
  for (double& x : h.*input) {
    const double at = x;
    x = at + 1e-5;
    const double above = loss();
    x = at - 1e-5;
    const double below = loss();
    x = at;
    slopes.push_back((above - below) / 2e-5);
  }
  return slopes;
}

/// Within `relative` of the largest value, or of `terms`, the size of what was summed, if that is
/// more.
void expect_close(const std::vector<double>& got, const std::vector<double>& want, double relative,
                  double terms) {
  double size = terms;
  for (const double w : want) size = std::max(size, std::fabs(w));
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], want[i], relative * size) << i;
}

TEST(DenseOracle, AttentionBackIsTheGradient) {
  for (const HeadCase& one :
       {HeadCase{5, 4}, {67, 4}, {67, 4, 3}, {67, 4, 0, 1.5}, {140, 2, 9, 2}}) {
    auto h = one.head<double>();
    h.forward(oracle());
    const Gradients got = backward(oracle(), h);
    expect_close(got.q, differences(h, &Head<double>::q), 1e-6, 0);
    expect_close(got.k, differences(h, &Head<double>::k), 1e-6, 0);
    expect_close(got.v, differences(h, &Head<double>::v), 1e-6, 0);
  }
}

TEST_P(Dense, AttentionAndItsGradientAgreeWithTheOracle) {
  for (const HeadCase& one : kHeads) {
    const std::int64_t rows = one.rows, E = one.E;
    auto h = one.head<float>();
    auto exact = one.head<double>();
    exact.q = widen(h.q), exact.k = widen(h.k), exact.v = widen(h.v), exact.dy = widen(h.dy);
    h.forward(kernels());
    exact.forward(oracle());
    // Values of order 1 from chains of E and then of `rows` terms, weights off by the scores'
    // error.
    const double bound = 8 * static_cast<double>(E + rows) * kU;
    expect_close(widen(h.y), exact.y, bound, 1);
    expect_close(widen(h.lse), exact.lse, bound, 1);
    const Gradients got = backward(kernels(), h), want = backward(oracle(), exact);
    expect_close(got.q, want.q, 2 * bound, 1);
    expect_close(got.k, want.k, 2 * bound, 1);
    expect_close(got.v, want.v, 2 * bound, 1);
  }
}

TEST_P(Dense, AttentionBackSkipsWhatIsNotWanted) {
  Head<float> h{70, 16};
  h.forward(kernels());
  std::vector<float> dv(h.v.size());
  kernels().attention_back(h.dy.data(), h.y.data(), h.y_stride, h.q.data(), h.q_stride, h.k.data(),
                           h.v.data(), h.kv_stride, h.lse.data(), nullptr, nullptr, dv.data(),
                           h.q_stride, h.kv_stride, h.rows, h.E, h.scoring);
  EXPECT_EQ(widen(dv), backward(kernels(), h).v);
}

}  // namespace
}  // namespace pomona::kernel
