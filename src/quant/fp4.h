// MXFP4 and NVFP4 (GGUF types 39 and 40): four-bit floats (E2M1) with a small float as the scale of
// a group. Sources: OCP Microscaling Formats 1.0; NVIDIA's description of NVFP4.
#pragma once
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "quant/bytes.h"

namespace pomona::quant {

/// The values of E2M1, doubled so that they are whole.
constexpr std::int8_t kE2m1Doubled[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

/// 2^(e - 128): half of what the exponent byte (E8M0) says, for the doubled values.
inline float half_of_e8m0(int e) {
  if (e < 2) return std::bit_cast<float>(0x00200000U << e);  // a subnormal
  return std::bit_cast<float>(static_cast<std::uint32_t>(e - 1) << 23);
}

/// Half of an unsigned E4M3 (bias 7): the doubled values again. 0x7f, not a number, counts as 0.
inline float half_of_ue4m3(int bits) {
  if (bits == 0 || bits == 0x7f) return 0.0F;
  const int exponent = bits >> 3 & 15;
  const auto mantissa = static_cast<float>(bits & 7);
  if (exponent == 0) return mantissa * 0x1p-10F;
  const float power = std::bit_cast<float>(static_cast<std::uint32_t>(exponent - 8 + 127) << 23);
  return (1.0F + mantissa / 8.0F) * power;
}

/// The unsigned E4M3 nearest to x, the upper one of two; from 256 on, as the reference does, the
/// largest, 448.
inline int nearest_ue4m3(float x) {
  constexpr int kLargest = 0x7e;
  if (!(x > 0)) return 0;
  if (x >= 256) return kLargest;
  if (x < 0x1p-6F) return truncated(x * 512 + 0.5F, 7);
  const std::uint32_t rounded = (std::bit_cast<std::uint32_t>(x) + (1U << 19)) >> 20;
  const int bits = static_cast<int>(rounded) - (120 << 3);
  return bits < 0x78 ? bits : kLargest;
}

/// The code whose value is nearest to x, the first of equals.
inline int nearest_e2m1(float x, float scale) {
  int nearest = 0;
  float least = std::fabs(static_cast<float>(kE2m1Doubled[0]) * scale - x);
  for (int code = 1; code < 16; ++code) {
    const float distance = std::fabs(static_cast<float>(kE2m1Doubled[code]) * scale - x);
    if (distance < least) {
      least = distance;
      nearest = code;
    }
  }
  return nearest;
}

/// 32 values in 17 bytes: E8M0 exponent at 0; byte j of the 16 at 1 holds value j in its low half
/// and value j + 16 in its high half.
struct MXFP4 {
  static constexpr std::int64_t kBlock = 32;
  static constexpr std::int64_t kBytes = 17;

  static void unpack(const std::byte* source, float* values) {
    const float scale = half_of_e8m0(byte_at(source, 0));
    for (int j = 0; j < kBlock / 2; ++j) {
      const int q = byte_at(source, 1 + j);
      values[j] = scale * static_cast<float>(kE2m1Doubled[q & 15]);
      values[j + kBlock / 2] = scale * static_cast<float>(kE2m1Doubled[q >> 4]);
    }
  }

  /// e = floor(log2 amax) - 2 + 127.
  static void pack(const float* values, std::byte* target) {
    const float amax = std::fabs(largest_of(values, kBlock));
    const int e = amax > 0 ? truncated(std::floor(std::log2(amax)) - 2 + 127, 255) : 0;
    const float scale = half_of_e8m0(e);
    target[0] = static_cast<std::byte>(e);
    for (int j = 0; j < kBlock / 2; ++j) {
      target[1 + j] = static_cast<std::byte>(nearest_e2m1(values[j], scale) |
                                             nearest_e2m1(values[j + kBlock / 2], scale) << 4);
    }
  }
};

/// 64 values in 36 bytes, four groups of 16: a UE4M3 scale for each at 0; byte 8 s + j of the 32 at
/// 4 holds value 16 s + j in its low half and value 16 s + 8 + j in its high half.
struct NVFP4 {
  static constexpr std::int64_t kBlock = 64;
  static constexpr std::int64_t kBytes = 36;

  static void unpack(const std::byte* source, float* values) {
    for (int s = 0; s < 4; ++s) {
      const float scale = half_of_ue4m3(byte_at(source, s));
      for (int j = 0; j < 8; ++j) {
        const int q = byte_at(source, 4 + 8 * s + j);
        values[16 * s + j] = scale * static_cast<float>(kE2m1Doubled[q & 15]);
        values[16 * s + 8 + j] = scale * static_cast<float>(kE2m1Doubled[q >> 4]);
      }
    }
  }

  /// Scale amax / 6 of each group.
  static void pack(const float* values, std::byte* target) {
    for (int s = 0; s < 4; ++s) {
      const float* x = values + 16 * s;
      const int bits = nearest_ue4m3(std::fabs(largest_of(x, 16)) / 6.0F);
      const float scale = half_of_ue4m3(bits);
      target[s] = static_cast<std::byte>(bits);
      for (int j = 0; j < 8; ++j) {
        target[4 + 8 * s + j] =
            static_cast<std::byte>(nearest_e2m1(x[j], scale) | nearest_e2m1(x[j + 8], scale) << 4);
      }
    }
  }
};

}  // namespace pomona::quant
