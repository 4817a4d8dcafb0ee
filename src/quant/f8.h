// The 8-bit float formats of checkpoints (Micikevicius et al. 2022, "FP8 formats for deep
// learning", arXiv:2209.05433, table 1; E8M0: OCP Microscaling Formats 1.0, section 5.4.1): values
// are kept in them, never computed with.
#pragma once
#include <bit>
#include <cstdint>

#include "quant/f16.h"

namespace pomona::quant {

/// 1 sign, 4 exponent (bias 7) and 3 mantissa bits; no infinities, and only all ones is NaN. Exact.
inline float f8_e4m3_to_f32(std::uint8_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x80U) << 24;
  const std::uint32_t magnitude = bits & 0x7fU;
  // Shifted to a float's place the exponent is 120 too small, for subnormals too.
  const float scaled = std::bit_cast<float>(magnitude << 20) * 0x1p120f;
  const std::uint32_t value =
      magnitude == 0x7fU ? 0x7fc00000U : std::bit_cast<std::uint32_t>(scaled);
  return std::bit_cast<float>(sign | value);
}

/// 1 sign, 5 exponent (bias 15) and 2 mantissa bits, as IEEE would have them: the upper half of a
/// binary16. Exact.
inline float f8_e5m2_to_f32(std::uint8_t bits) {
  return f16_to_f32(static_cast<std::uint16_t>(bits << 8));
}

/// Only an exponent, for scales: 2^(bits - 127), and 255 is NaN. Exact.
inline float f8_e8m0_to_f32(std::uint8_t bits) {
  const std::uint32_t normal = static_cast<std::uint32_t>(bits) << 23;
  return std::bit_cast<float>(bits == 0 ? 0x00400000U : bits == 255 ? 0x7fc00000U : normal);
}

}  // namespace pomona::quant
