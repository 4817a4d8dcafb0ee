// Activations, plain and gated, at every level against their definitions in f64.
#include <gtest/gtest.h>

#include "tests/kernel/row_support.h"

namespace pomona::kernel {
namespace {

constexpr Activation kAll[] = {Activation::silu, Activation::gelu_tanh, Activation::gelu_erf};

double exact(Activation activation, double x) {
  switch (activation) {
    case Activation::silu:
      return x / (1 + std::exp(-x));
    case Activation::gelu_tanh: {
      // 1 + tanh(s) = 2 / (1 + exp(-2 s)), which does not cancel.
      const double s = std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x);
      return x / (1 + std::exp(-2 * s));
    }
    case Activation::gelu_erf:
      return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
  }
  return 0;
}

/// Relative error that the kernels state, in units of 2^-24.
double units(Activation activation, double x) {
  switch (activation) {
    case Activation::silu:
      return 8;
    case Activation::gelu_tanh:
      return 7 + 3 * std::fabs(1.596 * x + 0.0714 * x * x * x);
    case Activation::gelu_erf:
      return 8 + x * x;
  }
  return 0;
}

class Activations : public testing::TestWithParam<std::tuple<simd::Level, Activation>> {
 protected:
  Activation activation() const { return std::get<1>(GetParam()); }
  const ActivationKernels<float>& kernels() const {
    return table(std::get<0>(GetParam())).f32.activations[static_cast<std::size_t>(activation())];
  }
  const ActivationKernels<double>& exact_kernels() const {
    return oracle().activations[static_cast<std::size_t>(activation())];
  }
};

constexpr const char* kNames[] = {"silu", "gelu_tanh", "gelu_erf"};

INSTANTIATE_TEST_SUITE_P(Levels, Activations,
                         testing::Combine(testing::ValuesIn(levels()), testing::ValuesIn(kAll)),
                         [](const auto& p) {
                           return std::string(simd::name_of(std::get<0>(p.param))) + "_" +
                                  kNames[static_cast<int>(std::get<1>(p.param))];
                         });

const std::int64_t kSizes[] = {1, 3, 4, 7, 16, 17, 63, 64, 65, 100, 576};

TEST_P(Activations, AreWithinTheirStatedError) {
  // Where results are normal numbers.
  const double lowest = activation() == Activation::silu        ? -80
                        : activation() == Activation::gelu_tanh ? -9
                                                                : -12.5;
  const std::int64_t n = 40000;
  std::vector<float> x, y(n);
  for (std::int64_t i = 0; i < n; ++i)
    x.push_back(static_cast<float>(lowest + (20 - lowest) * static_cast<double>(i) / n));
  kernels().activate(x.data(), n, y.data(), n, 1, n);
  for (std::int64_t i = 0; i < n; ++i) {
    const double want = exact(activation(), x[i]);
    ASSERT_NEAR(y[i], want, units(activation(), x[i]) * kU * std::fabs(want)) << x[i];
  }
}

TEST_P(Activations, OfTheLargestValues) {
  std::vector<float> y = {-1e10f, -1000, -100, 0, 88.5f, 1000, 1e10f};
  const auto x = y;
  kernels().activate(y.data(), 7, y.data(), 7, 1, 7);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(y[i], 0, 1e-35);
  for (std::size_t i = 3; i < y.size(); ++i) EXPECT_EQ(y[i], x[i]);
  float nan = std::nanf("");
  kernels().activate(&nan, 1, &nan, 1, 1, 1);
  EXPECT_TRUE(std::isnan(nan));
}

TEST_P(Activations, TakeRowsWithGapsAndLeaveTheGaps) {
  for (const std::int64_t F : kSizes) {
    const std::int64_t rows = 2, stride = 2 * F + 1;
    const auto x = normal(rows * stride, 7, 3);
    std::vector<float> plain(rows * (F + 1), 9), gated(rows * (F + 1), 9);
    kernels().activate(x.data(), stride, plain.data(), F + 1, rows, F);
    kernels().gated(x.data(), x.data() + F, stride, gated.data(), F + 1, rows, F);
    for (std::int64_t row = 0; row < rows; ++row) {
      for (std::int64_t f = 0; f < F; ++f) {
        const double gate = x[row * stride + f], up = x[row * stride + F + f];
        const double want = exact(activation(), gate);
        const double bound = (units(activation(), gate) + 1) * kU;
        EXPECT_NEAR(plain[row * (F + 1) + f], want, bound * std::fabs(want));
        EXPECT_NEAR(gated[row * (F + 1) + f], want * up, bound * std::fabs(want * up));
      }
      EXPECT_EQ(plain[row * (F + 1) + F], 9);
      EXPECT_EQ(gated[row * (F + 1) + F], 9);
    }
  }
}

TEST_P(Activations, GradientsAddWhatTheOracleAdds) {
  for (const std::int64_t F : kSizes) {
    const std::int64_t rows = 2, stride = 2 * F;
    const auto x = normal(rows * stride, 8, 3), dy = normal(rows * F, 9);
    std::vector<float> dx(x.size(), 0.25f), dgate(dy.size(), 0.25f);
    std::vector<double> want(x.size(), 0.25), want_gate(dy.size(), 0.25);
    kernels().gated_back(dy.data(), x.data(), x.data() + F, stride, dx.data(), dx.data() + F,
                         stride, rows, F);
    exact_kernels().gated_back(widen(dy).data(), widen(x).data(), widen(x).data() + F, stride,
                               want.data(), want.data() + F, stride, rows, F);
    kernels().activate_back(dy.data(), x.data(), stride, dgate.data(), rows, F);
    exact_kernels().activate_back(widen(dy).data(), widen(x).data(), stride, want_gate.data(), rows,
                                  F);
    for (std::int64_t i = 0; i < rows * stride; ++i) {
      const std::int64_t row = i / stride, f = i % F;
      const double d = std::fabs(dy[row * F + f]), g = std::fabs(x[row * stride + f]);
      const double u = std::fabs(x[row * stride + F + f]);
      // A sigmoid or normal part s, 1 - s and their products are each within a few u of their
      // terms' sizes; the tanh's inner slope grows with the square, where 1 - s has long vanished.
      EXPECT_NEAR(dx[i], want[i], 16 * kU * (0.25 + d * (i % stride < F ? u * (1 + g) : g)));
      if (i % stride < F) {
        EXPECT_NEAR(dgate[row * F + f], want_gate[row * F + f], 16 * kU * (0.25 + d * (1 + g)));
      }
    }
    kernels().gated_back(dy.data(), x.data(), x.data() + F, stride, nullptr, nullptr, stride, rows,
                         F);
  }
}

TEST(ActivationOracle, IsTheDefinitionAndItsSlope) {
  for (const Activation activation : kAll) {
    const auto& kernels = oracle().activations[static_cast<std::size_t>(activation)];
    for (double x = -6; x < 6; x += 0.37) {
      double y = 0, slope = 0;
      const double one = 1, step = 1e-5;
      kernels.activate(&x, 1, &y, 1, 1, 1);
      kernels.activate_back(&one, &x, 1, &slope, 1, 1);
      EXPECT_NEAR(y, exact(activation, x), 1e-14 * std::fabs(x));
      const double difference = exact(activation, x + step) - exact(activation, x - step);
      EXPECT_NEAR(slope, difference / (2 * step), 1e-9);
    }
  }
}

}  // namespace
}  // namespace pomona::kernel
