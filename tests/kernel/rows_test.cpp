// Row kernels at every level against the f64 oracle or an f64 loop.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/kernel/row_support.h"

namespace pomona::kernel {
namespace {

class Rows : public testing::TestWithParam<simd::Level> {
 protected:
  const Table& kernels() const { return table(GetParam()); }
};

INSTANTIATE_TEST_SUITE_P(Levels, Rows, testing::ValuesIn(levels()),
                         [](const auto& level) { return std::string(simd::name_of(level.param)); });

/// Sizes around each level's vectors and unrolled steps.
const std::int64_t kSizes[] = {1, 3, 4, 7, 16, 17, 63, 64, 65, 100, 576};

TEST_P(Rows, RmsNormIsWithinTheRoundingOfItsSum) {
  for (const std::int64_t D : kSizes) {
    const std::int64_t rows = 3;
    const auto x = normal(rows * D, 1);
    const auto weight = normal(D, 2);
    std::vector<float> y(x.size()), rstd(rows);
    std::vector<double> want(x.size()), want_rstd(rows);
    kernels().f32.rms_norm(x.data(), weight.data(), y.data(), rstd.data(), rows, D, 1e-5);
    oracle().rms_norm(widen(x).data(), widen(weight).data(), want.data(), want_rstd.data(), rows, D,
                      1e-5);
    // The mean of squares is off by at most D u, its root by half of that; three roundings follow.
    const double bound = (static_cast<double>(D) / 2 + 4) * kU;
    for (std::size_t i = 0; i < y.size(); ++i)
      EXPECT_NEAR(y[i], want[i], bound * std::fabs(want[i]));
    for (std::size_t i = 0; i < rstd.size(); ++i)
      EXPECT_NEAR(rstd[i], want_rstd[i], bound * want_rstd[i]);
    std::vector<float> again(x.size());
    kernels().f32.rms_norm(x.data(), weight.data(), again.data(), nullptr, rows, D, 1e-5);
    EXPECT_EQ(again, y);
  }
}

TEST_P(Rows, RmsNormBackAddsWhatTheOracleAdds) {
  for (const std::int64_t D : kSizes) {
    const std::int64_t rows = 3;
    const auto x = normal(rows * D, 3), dy = normal(rows * D, 4), weight = normal(D, 5);
    const auto rstd = std::vector<float>{0.7f, 1.1f, 0.9f};
    std::vector<float> dx(x.size(), 0.5f), dweight(weight.size(), -0.5f);
    std::vector<double> want_dx(x.size(), 0.5), want_dweight(weight.size(), -0.5);
    kernels().f32.rms_norm_back(dy.data(), x.data(), weight.data(), rstd.data(), dx.data(),
                                dweight.data(), rows, D);
    oracle().rms_norm_back(widen(dy).data(), widen(x).data(), widen(weight).data(),
                           widen(rstd).data(), want_dx.data(), want_dweight.data(), rows, D);
    for (std::int64_t i = 0; i < rows * D; ++i) {
      const std::int64_t row = i / D;
      double sizes = 0;
      for (std::int64_t j = row * D; j < (row + 1) * D; ++j) {
        sizes += std::fabs(dy[j] * weight[j - row * D] * x[j]);
      }
      const double r = rstd[row];
      const double terms = 0.5 + r * std::fabs(dy[i] * weight[i - row * D]) +
                           std::fabs(x[i]) * r * r * r * sizes / static_cast<double>(D);
      EXPECT_NEAR(dx[i], want_dx[i], (static_cast<double>(D) + 6) * kU * terms);
    }
    for (std::int64_t i = 0; i < D; ++i) {
      double terms = 0.5;
      for (std::int64_t row = 0; row < rows; ++row)
        terms += std::fabs(dy[row * D + i] * x[row * D + i] * rstd[row]);
      EXPECT_NEAR(dweight[i], want_dweight[i], (rows + 3) * kU * terms);
    }
    kernels().f32.rms_norm_back(dy.data(), x.data(), weight.data(), rstd.data(), nullptr, nullptr,
                                rows, D);
  }
}

TEST_P(Rows, RopeTurnsPairsAndBack) {
  for (const std::int64_t E : {2, 6, 16, 34, 64, 80}) {
    const std::int64_t rows = 3, heads = 2, stride = heads * E + 5;
    const auto x = normal(rows * stride, 6);
    std::vector<float> angles(rows * E);
    for (std::int64_t i = 0; i < rows * E / 2; ++i) {
      const std::int64_t row = i / (E / 2), pair = i % (E / 2);
      angles[row * E + pair] = std::cos(0.3f * static_cast<float>(i));
      angles[row * E + E / 2 + pair] = std::sin(0.3f * static_cast<float>(i));
    }
    std::vector<float> y(x.size(), 9), back(x.size(), 9);
    kernels().f32.rope(x.data(), stride, angles.data(), y.data(), stride, rows, heads, E, E, 1);
    kernels().f32.rope(y.data(), stride, angles.data(), back.data(), stride, rows, heads, E, E, -1);
    for (std::int64_t row = 0; row < rows; ++row) {
      for (std::int64_t head = 0; head < heads; ++head) {
        for (std::int64_t i = 0; i < E / 2; ++i) {
          const std::int64_t a = row * stride + head * E + i, b = a + E / 2;
          const double c = angles[row * E + i], s = angles[row * E + E / 2 + i];
          const double size = std::fabs(x[a]) + std::fabs(x[b]);
          EXPECT_NEAR(y[a], x[a] * c - x[b] * s, 3 * kU * size);
          EXPECT_NEAR(y[b], x[b] * c + x[a] * s, 3 * kU * size);
          EXPECT_NEAR(back[a], x[a], 12 * kU * size);
          EXPECT_NEAR(back[b], x[b], 12 * kU * size);
        }
      }
      EXPECT_EQ(y[row * stride + heads * E], 9);  // gaps between rows stay
    }
    auto in_place = x;
    kernels().f32.rope(in_place.data(), stride, angles.data(), in_place.data(), stride, rows, heads,
                       E, E, 1);
    for (std::int64_t i = 0; i < heads * E; ++i) EXPECT_EQ(in_place[i], y[i]);
  }
}

TEST_P(Rows, AddIsExactlyRounded) {
  for (const std::int64_t n : kSizes) {
    const auto x = normal(n, 10), y = normal(n, 11);
    auto sum = y;
    kernels().f32.add(x.data(), sum.data(), n);
    for (std::int64_t i = 0; i < n; ++i) EXPECT_EQ(sum[i], x[i] + y[i]);
  }
}

TEST_P(Rows, ScaleIsExactlyRounded) {
  for (const std::int64_t n : kSizes) {
    const auto x = normal(n, 15);
    std::vector<float> y(x.size() + 1, 9);
    kernels().f32.scale(x.data(), 0.3f, y.data(), n);
    for (std::int64_t i = 0; i < n; ++i) EXPECT_EQ(y[i], x[i] * 0.3f);
    EXPECT_EQ(y[n], 9);
  }
}

TEST_P(Rows, SoftCapIsWithin8UlpAndNeverBeyondTheCap) {
  for (const std::int64_t n : {1, 17, 1024, 4999}) {
    for (const float cap : {0.7f, 30.0f, 50.0f}) {
      const auto x = normal(n, 16, 60);
      std::vector<float> y(x.size());
      kernels().f32.soft_cap(x.data(), cap, y.data(), n);
      for (std::int64_t i = 0; i < n; ++i) {
        EXPECT_LE(ulps(y[i], cap * std::tanh(static_cast<double>(x[i]) / cap)), 8) << x[i];
        EXPECT_LE(std::fabs(y[i]), cap);
      }
    }
  }
  std::vector<float> ends = {1e30f,
                             -1e30f,
                             std::numeric_limits<float>::infinity(),
                             -std::numeric_limits<float>::infinity(),
                             std::nanf(""),
                             0,
                             1e-30f};
  kernels().f32.soft_cap(ends.data(), 30, ends.data(), 7);
  for (const std::size_t i : {0u, 2u}) EXPECT_EQ(ends[i], 30);
  for (const std::size_t i : {1u, 3u}) EXPECT_EQ(ends[i], -30);
  EXPECT_TRUE(std::isnan(ends[4]));
  EXPECT_EQ(ends[5], 0);
  EXPECT_LE(ulps(ends[6], 1e-30), 8);
}

TEST_P(Rows, SoftCapBackAddsWhatTheOracleAdds) {
  const std::int64_t n = 100;
  const auto x = normal(n, 17, 40), dy = normal(n, 18);
  std::vector<float> y(x.size()), dx(x.size(), 0.5f);
  std::vector<double> want(x.size(), 0.5);
  kernels().f32.soft_cap(x.data(), 30, y.data(), n);
  kernels().f32.soft_cap_back(dy.data(), y.data(), 30, dx.data(), n);
  oracle().soft_cap_back(widen(dy).data(), widen(y).data(), 30, want.data(), n);
  // The slope is at most 1, its square has two roundings.
  for (std::int64_t i = 0; i < n; ++i)
    EXPECT_NEAR(dx[i], want[i], 6 * kU * (0.5 + std::fabs(dy[i])));
}

TEST_P(Rows, CrossEntropyAndItsGradient) {
  for (const std::int64_t V : {1, 5, 64, 999}) {
    const std::int64_t rows = 3;
    const auto logits = normal(rows * V, 12, 5);
    const std::vector<std::int32_t> target = {0, -1, static_cast<std::int32_t>(V - 1)};
    const std::vector<float> dloss = {1, 1, 0.5f};
    std::vector<float> loss(rows, 9), lse(rows), dlogits(logits.size(), 0.125f);
    kernels().f32.cross_entropy(logits.data(), target.data(), loss.data(), lse.data(), rows, V);
    kernels().f32.cross_entropy_back(dloss.data(), logits.data(), target.data(), lse.data(),
                                     dlogits.data(), rows, V);
    for (std::int64_t row = 0; row < rows; ++row) {
      double sum = 0, size = 0;
      for (std::int64_t i = 0; i < V; ++i) {
        sum += std::exp(static_cast<double>(logits[row * V + i]));
        size = std::max(size, std::fabs(static_cast<double>(logits[row * V + i])));
      }
      const std::int32_t t = target[row];
      // The sum of exponentials is off by V u + 2 ulp relative, lse by that plus its own rounding.
      const double bound = (static_cast<double>(V) + 8) * kU + 2 * kU * size;
      EXPECT_NEAR(lse[row], std::log(sum), bound);
      EXPECT_NEAR(loss[row], t < 0 ? 0 : std::log(sum) - logits[row * V + t], bound);
      for (std::int64_t i = 0; i < V; ++i) {
        const double p = std::exp(logits[row * V + i] - std::log(sum));
        const double want = t < 0 ? 0.125 : 0.125 + dloss[row] * (p - (i == t ? 1 : 0));
        EXPECT_NEAR(dlogits[row * V + i], want, 2 * bound * p + 3 * kU);
      }
    }
  }
}

TEST_P(Rows, CrossEntropyOfHugeLogitsDoesNotOverflow) {
  const std::vector<float> logits = {30000, 29999, -30000};
  const std::int32_t target = 0;
  float loss = 0;
  kernels().f32.cross_entropy(logits.data(), &target, &loss, nullptr, 1, 3);
  EXPECT_NEAR(loss, std::log1p(std::exp(-1.0)), 1e-6);
}

TEST_P(Rows, ArgmaxTakesTheFirstOfEqualsAndNeverNan) {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::nanf("");
  for (const std::int64_t n : {1, 2, 15, 64, 1023, 1024, 1025, 5000}) {
    auto x = normal(n, 13);
    EXPECT_EQ(kernels().argmax(x.data(), n), std::max_element(x.begin(), x.end()) - x.begin());
    for (const std::int64_t at : {std::int64_t{0}, n / 2, n - 1}) {
      auto y = x;
      y[at] = y[n - 1] = 100;
      EXPECT_EQ(kernels().argmax(y.data(), n), at);
      y[0] = nan;
      if (at > 0) {
        EXPECT_EQ(kernels().argmax(y.data(), n), at);
      }
    }
    EXPECT_EQ(kernels().argmax(std::vector<float>(n, -inf).data(), n), 0);
    EXPECT_EQ(kernels().argmax(std::vector<float>(n, nan).data(), n), 0);
  }
}

TEST_P(Rows, ExpIsWithinItsUlpOverTheWholeRange) {
  const double bound = GetParam() == simd::Level::portable ? 1.5 : 1;
  double worst = 0;
  std::vector<float> x(1 << 16), e;
  for (int part = 0; part < 16; ++part) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double at = (static_cast<double>(i) / static_cast<double>(x.size()) + part) / 16;
      x[i] = static_cast<float>(-105 + 194 * at);
    }
    e = x;
    kernels().exp_sum(e.data(), static_cast<std::int64_t>(e.size()), 0, 1);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double want = std::exp(static_cast<double>(x[i]));
      if (want > std::numeric_limits<float>::max()) {
        EXPECT_TRUE(std::isinf(e[i])) << x[i];
      } else if (want < 0x1p-125) {
        EXPECT_TRUE(e[i] == 0 || ulps(e[i], want) <= bound) << x[i];
      } else {
        worst = std::max(worst, ulps(e[i], want));
      }
    }
  }
  EXPECT_LE(worst, bound);
  EXPECT_GT(worst, 0.5);  // a rounded library function would do better: then this test sees nothing
  RecordProperty("worst_ulp", std::to_string(worst));
}

TEST_P(Rows, ExpSumWeighsByTemperatureAndSums) {
  const float inf = std::numeric_limits<float>::infinity();
  for (const std::int64_t n : {1, 17, 1024, 1030, 5000}) {
    auto x = normal(n, 14, 8);
    x[0] = -inf;
    auto e = x;
    const double sum = kernels().exp_sum(e.data(), n, 12.5f, 0.75f);
    double want_sum = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      const double at = (static_cast<double>(x[i]) - 12.5) * 0.75;
      const double want = std::exp(at);
      // The argument's own rounding moves the result by |at| u each time.
      EXPECT_NEAR(e[i], want, (4 + 2 * std::fabs(std::max(at, -200.0))) * kU * want + 1e-37);
      want_sum += want;
    }
    EXPECT_EQ(e[0], 0);
    EXPECT_NEAR(sum, want_sum, 1e-5 * want_sum);
  }
  float nan = std::nanf("");
  EXPECT_TRUE(std::isnan(kernels().exp_sum(&nan, 1, 0, 1)));
}

TEST_P(Rows, PartialRopeIsRopeOfTheFirstAndACopyOfTheRest) {
  const std::int64_t rows = 3, heads = 2;
  for (const auto& [E, R] : {std::pair{80, 20}, {64, 16}, {17, 2}, {40, 38}}) {
    const auto x = normal(rows * heads * E, 30), angles = normal(rows * R, 31);
    std::vector<float> y(x.size(), 9);
    kernels().f32.rope(x.data(), heads * E, angles.data(), y.data(), heads * E, rows, heads, E, R,
                       1);
    for (std::int64_t i = 0; i < rows * heads; ++i) {
      std::vector<float> turned(R);
      kernels().f32.rope(&x[i * E], E, &angles[i / heads * R], turned.data(), R, 1, 1, R, R, 1);
      for (std::int64_t e = 0; e < E; ++e)
        EXPECT_EQ(y[i * E + e], e < R ? turned[e] : x[i * E + e]);
    }
    auto in_place = x;
    kernels().f32.rope(in_place.data(), heads * E, angles.data(), in_place.data(), heads * E, rows,
                       heads, E, R, 1);
    EXPECT_EQ(in_place, y);
  }
}

/// d(loss)/d(x[i]) of every i by central differences with step 1e-5, where loss = f(x).
template <class F>
std::vector<double> differences(std::vector<double> x, F f) {
  std::vector<double> slopes;
  for (double& v : x) {
    const double at = v;
    v = at + 1e-5;
    const double above = f(x);
    v = at - 1e-5;
    const double below = f(x);
    v = at;
    slopes.push_back((above - below) / 2e-5);
  }
  return slopes;
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

void expect_slopes(const std::vector<double>& got, const std::vector<double>& want) {
  double size = 0;
  for (const double w : want) size = std::max(size, std::fabs(w));
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], want[i], 1e-6 * size) << i;
}

TEST(RowGradients, RmsNorm) {
  const std::int64_t rows = 2, D = 7;
  const auto x = normal<double>(rows * D, 20), w = normal<double>(D, 21),
             dy = normal<double>(rows * D, 22);
  std::vector<double> y(x.size()), rstd(rows), dx(x.size()), dw(w.size());
  const auto loss = [&](const std::vector<double>& xs, const std::vector<double>& ws) {
    oracle().rms_norm(xs.data(), ws.data(), y.data(), rstd.data(), rows, D, 1e-3);
    return dot(y, dy);
  };
  loss(x, w);
  oracle().rms_norm_back(dy.data(), x.data(), w.data(), rstd.data(), dx.data(), dw.data(), rows, D);
  expect_slopes(dx, differences(x, [&](const auto& xs) { return loss(xs, w); }));
  expect_slopes(dw, differences(w, [&](const auto& ws) { return loss(x, ws); }));
}

TEST(RowGradients, Rope) {
  const std::int64_t E = 6;
  const auto x = normal<double>(E, 25), dy = normal<double>(E, 26);
  const std::vector<double> angles = {std::cos(0.1), std::cos(0.2), std::cos(0.3),
                                      std::sin(0.1), std::sin(0.2), std::sin(0.3)};
  std::vector<double> y(E), dx(E);
  oracle().rope(dy.data(), E, angles.data(), dx.data(), E, 1, 1, E, E, -1);
  expect_slopes(dx, differences(x, [&](const auto& xs) {
                  oracle().rope(xs.data(), E, angles.data(), y.data(), E, 1, 1, E, E, 1);
                  return dot(y, dy);
                }));
}

TEST(RowGradients, CrossEntropy) {
  const std::int64_t rows = 3, V = 6;
  const auto logits = normal<double>(rows * V, 27), dloss = normal<double>(rows, 28);
  const std::vector<std::int32_t> target = {2, -1, 5};
  std::vector<double> loss(rows), lse(rows), dlogits(logits.size());
  oracle().cross_entropy(logits.data(), target.data(), loss.data(), lse.data(), rows, V);
  oracle().cross_entropy_back(dloss.data(), logits.data(), target.data(), lse.data(),
                              dlogits.data(), rows, V);
  expect_slopes(dlogits, differences(logits, [&](const auto& xs) {
                  oracle().cross_entropy(xs.data(), target.data(), loss.data(), lse.data(), rows,
                                         V);
                  return dot(loss, dloss);
                }));
}

}  // namespace
}  // namespace pomona::kernel
