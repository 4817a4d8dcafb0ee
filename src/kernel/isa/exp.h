// Exponentials by argument reduction to [-ln2/2, ln2/2] and a minimax polynomial (Muller,
// Elementary Functions, 3rd ed., chapters 3 and 11); the polynomials were fitted by Lawson's
// algorithm.
#pragma once
#include "simd/vec.h"

namespace pomona::kernel::POMONA_LEVEL {
namespace {

using namespace simd::POMONA_LEVEL;

/// A float's last bit is worth one at this size, and its low bits then are an exponent field:
/// adding n gives, shifted up by 23, the float 2^(n - 1), and zero for n = -126.
inline constexpr float kExponentMagic = 12582912.0f + 126.0f;

[[gnu::always_inline]] inline Vec<float> half_power_of_two(Vec<float> magic_plus_n) {
  return bits_as<Vec<float>>(bits_as<Vec<std::uint32_t>>(magic_plus_n) << 23);
}

/// e^x within 1 ulp (1.5 ulp on the portable level, which has no fused multiply-add); results below
/// 2^-125 are 0, e^-inf = 0, above the largest float inf; NaN stays NaN.
[[gnu::always_inline]] inline Vec<float> exp(Vec<float> x) {
  x = max(broadcast(-87.3365f), x);
  x = min(broadcast(89.0f), x);
  const Vec<float> magic = broadcast(kExponentMagic);
  const Vec<float> shifted = fma(x, broadcast(1.44269504f), magic);
  const Vec<float> n = shifted - magic;
  // ln 2 in two parts: n * (the first) is exact.
  Vec<float> r = fma(n, broadcast(-0.693359375f), x);
  r = fma(n, broadcast(2.12194440e-4f), r);
  // 2 e^r, relative error 3.1e-9.
  Vec<float> p = broadcast(2.7629080e-3f);
  p = fma(p, r, broadcast(1.67374904e-2f));
  p = fma(p, r, broadcast(8.33367816e-2f));
  p = fma(p, r, broadcast(3.33330408e-1f));
  p = fma(p, r, broadcast(9.99999869e-1f));
  p = fma(p, r, broadcast(2.0f));
  p = fma(p, r, broadcast(2.0f));
  return p * half_power_of_two(shifted);
}

/// The library's exponential lane by lane: this one serves the oracle.
[[gnu::always_inline]] inline Vec<double> exp(Vec<double> x) {
  for (int i = 0; i < kLanes<double>; ++i) x[i] = __builtin_exp(x[i]);
  return x;
}

/// 2^(factor * d) for d <= 0 and factor > 0, relative error 2e-7 + |factor * d| * 2^-24 (without
/// the second term where multiply-add is fused); 0 below 2^-125 and for d = -inf; exactly 1 for d =
/// 0.
struct PowerOfTwo {
  Vec<float> factor;
  Vec<float> lowest;

  explicit PowerOfTwo(float f) : factor(broadcast(f)), lowest(broadcast(-126.0f / f)) {}

  [[gnu::always_inline]] Vec<float> operator()(Vec<float> d) const {
    d = max(d, lowest);
    const Vec<float> magic = broadcast(kExponentMagic);
    const Vec<float> shifted = fma(d, factor, magic);
    const Vec<float> f = fma(d, factor, magic - shifted);
    // 2 * 2^f, relative error 9.2e-8.
    Vec<float> p = broadcast(2.65292909e-3f);
    p = fma(p, f, broadcast(1.93431532e-2f));
    p = fma(p, f, broadcast(1.11014690e-1f));
    p = fma(p, f, broadcast(4.80444822e-1f));
    p = fma(p, f, broadcast(1.38629395f));
    p = fma(p, f, broadcast(2.0f));
    return p * half_power_of_two(shifted);
  }
};

}  // namespace
}  // namespace pomona::kernel::POMONA_LEVEL
