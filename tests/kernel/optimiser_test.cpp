// Kernels of optimisers at every level against the f64 oracle.
#include <gtest/gtest.h>

#include "tests/kernel/row_support.h"

namespace pomona::kernel {
namespace {

class OptimiserRows : public testing::TestWithParam<simd::Level> {
 protected:
  const Table& kernels() const { return table(GetParam()); }
};

INSTANTIATE_TEST_SUITE_P(Levels, OptimiserRows, testing::ValuesIn(levels()),
                         [](const auto& level) { return std::string(simd::name_of(level.param)); });

const std::int64_t kSizes[] = {1, 3, 8, 17, 64, 101};

TEST_P(OptimiserRows, AdamWIsTheOraclesWithinItsRoundings) {
  const AdamWFactors<float> f = {0.5f, 0.1f, 0.999f, 0.001f, 0.9995f, 0.02f, 3.0f, 1e-8f};
  const AdamWFactors<double> wide = {f.gradient,    f.mean_step, f.square_keep, f.square_step,
                                     f.weight_keep, f.step,      f.deviation,   f.epsilon};
  for (const std::int64_t n : kSizes) {
    const auto g = normal(n, 1);
    auto w = normal(n + 1, 2), m = normal(n + 1, 3), v = normal(n + 1, 4);
    for (float& x : v) x *= x;
    const auto old_w = w, old_m = m, old_v = v;
    auto want_w = widen(w), want_m = widen(m), want_v = widen(v);
    kernels().f32.adamw(g.data(), w.data(), m.data(), v.data(), n, f);
    oracle().adamw(widen(g).data(), want_w.data(), want_m.data(), want_v.data(), n, wide);
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
      const double size = std::fabs(g[i]) + std::fabs(old_m[i]);
      EXPECT_NEAR(m[i], want_m[i], 3 * kU * size);
      EXPECT_NEAR(v[i], want_v[i], 4 * kU * want_v[i]);
      // The change has the error of m and six roundings more; the weight two.
      const double change = 0.02 / (3 * std::sqrt(want_v[i]) + 1e-8);
      EXPECT_NEAR(w[i], want_w[i], kU * (9 * change * size + 2 * std::fabs(old_w[i])));
    }
    EXPECT_EQ(w.back(), old_w.back());
    EXPECT_EQ(m.back(), old_m.back());
    EXPECT_EQ(v.back(), old_v.back());
  }
}

TEST_P(OptimiserRows, MomentumIsTheOraclesWithinItsRoundings) {
  const MomentumFactors<float> f = {0.5f, 0.1f, 0.9f, 0.02f};
  const MomentumFactors<double> wide = {f.gradient, f.decay, f.velocity_keep, f.step};
  for (const bool moving : {true, false}) {
    for (const std::int64_t n : kSizes) {
      const auto g = normal(n, 5);
      auto w = normal(n + 1, 6), u = normal(n + 1, 7);
      const auto old_w = w, old_u = u;
      auto want_w = widen(w), want_u = widen(u);
      kernels().f32.momentum(g.data(), w.data(), moving ? u.data() : nullptr, n, f);
      oracle().momentum(widen(g).data(), want_w.data(), moving ? want_u.data() : nullptr, n, wide);
      for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
        const double size = std::fabs(g[i]) + std::fabs(old_u[i]) + std::fabs(old_w[i]);
        EXPECT_NEAR(u[i], want_u[i], moving ? 5 * kU * size : 0);
        EXPECT_NEAR(w[i], want_w[i], kU * (0.02 * 6 * size + 2 * std::fabs(old_w[i])));
      }
      EXPECT_EQ(w.back(), old_w.back());
      EXPECT_EQ(u.back(), old_u.back());
    }
  }
}

TEST_P(OptimiserRows, SquareSumIsWithinTheRoundingOfItsSum) {
  for (const std::int64_t n : {1, 5, 63, 1000, 16384}) {
    const auto x = normal(n, 8);
    const double want = oracle().square_sum(widen(x).data(), n);
    // Chains of n / 4 vectors at the least; all terms are positive.
    const double terms = static_cast<double>(n) / 16 + 8;
    EXPECT_NEAR(kernels().f32.square_sum(x.data(), n), want, terms * kU * want);
  }
}

}  // namespace
}  // namespace pomona::kernel
