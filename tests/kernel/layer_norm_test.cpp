// LayerNorm at every level against loops in f64.
#include <gtest/gtest.h>

#include "tests/kernel/row_support.h"

namespace pomona::kernel {
namespace {

class LayerNorm : public testing::TestWithParam<simd::Level> {
 protected:
  const MathTable<float>& kernels() const { return table(GetParam()).f32; }
};

INSTANTIATE_TEST_SUITE_P(Levels, LayerNorm, testing::ValuesIn(levels()),
                         [](const auto& level) { return std::string(simd::name_of(level.param)); });

const std::int64_t kSizes[] = {1, 3, 4, 7, 16, 17, 63, 64, 65, 100, 576};
constexpr std::int64_t kRows = 3;
constexpr double kEps = 1e-5;

struct Moments {
  double mean = 0, rstd = 0, largest = 0;  // largest: of the values' sizes
};

Moments moments(const float* x, std::int64_t D) {
  Moments m;
  for (std::int64_t i = 0; i < D; ++i) {
    m.mean += static_cast<double>(x[i]) / static_cast<double>(D);
    m.largest = std::max(m.largest, std::fabs(static_cast<double>(x[i])));
  }
  double squares = 0;
  for (std::int64_t i = 0; i < D; ++i) squares += (x[i] - m.mean) * (x[i] - m.mean);
  m.rstd = 1 / std::sqrt(squares / static_cast<double>(D) + kEps);
  return m;
}

/// Rows far from zero: a variance from the squares of the values themselves would be lost.
std::vector<float> rows_around(float centre, std::int64_t D) {
  auto x = normal(kRows * D, 1);
  for (float& v : x) v += centre;
  return x;
}

TEST_P(LayerNorm, IsWithinTheRoundingOfItsSums) {
  for (const std::int64_t D : kSizes) {
    for (const float centre : {0.0f, 100.0f}) {
      const auto x = rows_around(centre, D);
      const auto weight = normal(D, 2), bias = normal(D, 3);
      std::vector<float> y(x.size()), mean(kRows), rstd(kRows);
      kernels().layer_norm(x.data(), weight.data(), bias.data(), y.data(), mean.data(), rstd.data(),
                           kRows, D, kEps);
      const double terms = static_cast<double>(D);
      for (std::int64_t i = 0; i < kRows * D; ++i) {
        const Moments m = moments(x.data() + i / D * D, D);
        // The mean is off by D u of the largest value. That moves every deviation; the sum of their
        // squares by the square of it alone, since deviations add up to nothing, and by D u.
        const double off = (terms + 1) * kU * m.largest;
        const double relative = (terms / 2 + 5) * kU + off * off * m.rstd * m.rstd;
        const double scale = std::fabs(m.rstd * weight[i % D]);
        const double part = (x[i] - m.mean) * m.rstd * weight[i % D];
        const double want = part + bias[i % D];
        EXPECT_NEAR(y[i], want, off * scale + relative * std::fabs(part) + kU * std::fabs(want))
            << D;
        EXPECT_NEAR(mean[i / D], m.mean, off);
        EXPECT_NEAR(rstd[i / D], m.rstd, relative * m.rstd);
      }
      std::vector<float> unbiased(x.size());
      kernels().layer_norm(x.data(), weight.data(), nullptr, unbiased.data(), nullptr, nullptr,
                           kRows, D, kEps);
      for (std::int64_t i = 0; i < kRows * D; ++i) EXPECT_EQ(unbiased[i] + bias[i % D], y[i]);
    }
  }
}

TEST_P(LayerNorm, GradientAddsWhatTheOracleAdds) {
  for (const std::int64_t D : kSizes) {
    const auto x = normal(kRows * D, 4), dy = normal(kRows * D, 5), weight = normal(D, 6);
    const std::vector<float> mean = {0.1f, -0.2f, 0}, rstd = {0.7f, 1.1f, 0.9f};
    std::vector<float> dx(x.size(), 0.5f), dweight(weight.size(), -0.5f), dbias(weight.size(), 1);
    std::vector<double> want_dx(x.size(), 0.5), want_dweight(weight.size(), -0.5),
        want_dbias(weight.size(), 1);
    kernels().layer_norm_back(dy.data(), x.data(), weight.data(), mean.data(), rstd.data(),
                              dx.data(), dweight.data(), dbias.data(), kRows, D);
    oracle().layer_norm_back(widen(dy).data(), widen(x).data(), widen(weight).data(),
                             widen(mean).data(), widen(rstd).data(), want_dx.data(),
                             want_dweight.data(), want_dbias.data(), kRows, D);
    for (std::int64_t i = 0; i < kRows * D; ++i) {
      const std::int64_t row = i / D;
      const double r = rstd[row];
      double sizes = 0, along = 0;
      for (std::int64_t j = row * D; j < (row + 1) * D; ++j) {
        const double g = std::fabs(dy[j] * weight[j - row * D]) / static_cast<double>(D);
        sizes += g;
        along += g * (std::fabs(x[j]) + std::fabs(mean[row]));
      }
      const double size = std::fabs(x[i]) + std::fabs(mean[row]);
      const double terms =
          0.5 + r * (std::fabs(dy[i] * weight[i - row * D]) + sizes + size * r * r * along);
      EXPECT_NEAR(dx[i], want_dx[i], (static_cast<double>(D) + 8) * kU * terms);
    }
    for (std::int64_t i = 0; i < D; ++i) {
      double terms = 1, weighted = 0.5;
      for (std::int64_t row = 0; row < kRows; ++row) {
        const double d = std::fabs(dy[row * D + i]);
        terms += d;
        weighted += d * (std::fabs(x[row * D + i]) + std::fabs(mean[row])) * rstd[row];
      }
      EXPECT_NEAR(dweight[i], want_dweight[i], (kRows + 4) * kU * weighted);
      EXPECT_NEAR(dbias[i], want_dbias[i], (kRows + 1) * kU * terms);
    }
    kernels().layer_norm_back(dy.data(), x.data(), weight.data(), mean.data(), rstd.data(), nullptr,
                              nullptr, nullptr, kRows, D);
  }
}

}  // namespace
}  // namespace pomona::kernel
