// tanh and the normal distribution function: rational functions fitted by Lawson's algorithm, the
// second times an exponential (Muller, Elementary Functions, 3rd ed., chapter 3).
#pragma once
#include "kernel/isa/exp.h"

namespace pomona::kernel::POMONA_LEVEL {
namespace {

/// c[0] + c[1] x + c[2] x^2 + ...
template <std::size_t N>
[[gnu::always_inline]] inline Vec<float> polynomial(const float (&c)[N], Vec<float> x) {
  Vec<float> p = broadcast(c[N - 1]);
#pragma GCC unroll 8
  for (std::size_t i = N - 1; i > 0; --i) p = fma(p, x, broadcast(c[i - 1]));
  return p;
}

/// Within 6 ulp, never beyond -1 and 1; NaN stays NaN.
[[gnu::always_inline]] inline Vec<float> tanh(Vec<float> x) {
  constexpr float kOver[] = {1.0f, 0.13379711f, 0.0034940261f, 2.0583342e-05f, 1.331888e-08f};
  constexpr float kUnder[] = {1.0f, 0.46713027f, 0.02587104f, 0.0003283079f, 7.761941e-07f};
  x = max(broadcast(-9.02f), x);
  x = min(broadcast(9.02f), x);
  const Vec<float> square = x * x;  // relative error of the quotient 2.1e-8 up to 9.02^2
  const Vec<float> y = x * polynomial(kOver, square) / polynomial(kUnder, square);
  return min(broadcast(1.0f), max(broadcast(-1.0f), y));
}

/// The part of a standard normal distribution below x, relative error (5 + x^2) 2^-24 where it is
/// above 2^-125; NaN stays NaN.
[[gnu::always_inline]] inline Vec<float> normal_below(Vec<float> x) {
  constexpr float kOver[] = {0.5f, 0.43568611f, 0.18130659f, 0.039984107f, 0.0040201787f};
  constexpr float kUnder[] = {1.0f, 1.6692572f, 1.1944835f, 0.46437988f, 0.10023268f, 0.01007695f};
  const Vec<float> size = max(x, -x);
  // exp(size^2 / 2) times the part beyond size, relative error 5e-9 up to 13.3; nothing is left of
  // it at 14.
  const Vec<float> inside = min(broadcast(14.0f), size);
  const Vec<float> ratio = polynomial(kOver, inside) / polynomial(kUnder, inside);
  const Vec<float> beyond = exp(size * size * broadcast(-0.5f)) * ratio;
  return x > Vec<float>{} ? broadcast(1.0f) - beyond : beyond;
}

/// The library's functions lane by lane: these serve the oracle.
[[gnu::always_inline]] inline Vec<double> tanh(Vec<double> x) {
  for (int i = 0; i < kLanes<double>; ++i) x[i] = __builtin_tanh(x[i]);
  return x;
}
[[gnu::always_inline]] inline Vec<double> normal_below(Vec<double> x) {
  for (int i = 0; i < kLanes<double>; ++i) x[i] = 0.5 * __builtin_erfc(x[i] * -__builtin_sqrt(0.5));
  return x;
}

}  // namespace
}  // namespace pomona::kernel::POMONA_LEVEL
