// Q5_1 (GGUF type 7): blocks of 32 values in 24 bytes, x = d * q + m with q in 0..31. Layout: f16 d
// at 0, f16 m at 2, then high bits and nibbles as in Q5_0, at 4 and 8.
#pragma once
#include <cstddef>
#include <cstdint>

#include "quant/q5_0.h"

namespace pomona::quant {

struct Q5_1 {
  static constexpr std::int64_t kBlock = 32;
  static constexpr std::int64_t kBytes = 24;

  static void unpack(const std::byte* source, float* values) {
    const float d = f16_at(source);
    const float m = f16_at(source, 2);
    const FiveBits q{source + 8, field_at<std::uint32_t>(source, 4)};
    for (int j = 0; j < kBlock / 2; ++j) {
      values[j] = d * static_cast<float>(q.low_half(j)) + m;
      values[j + kBlock / 2] = d * static_cast<float>(q.high_half(j)) + m;
    }
  }

  /// d = (max - min) / 31, m = min, q = (x - min) / d rounded half up, with the d before it becomes
  /// an f16.
  static void pack(const float* values, const Importance& importance, std::byte* target) {
    if (importance) return pack_weighted(values, importance, target);
    const auto [low, high] = range_of(values, kBlock);
    const float d = (high - low) / 31.0F;
    const float inverse = inverse_of(d);
    const float least = low;
    put_f16(target, 0, d);
    put_f16(target, 2, least);
    put_five_bits(target + 4, target + 8,
                  [&](int i) { return truncated((values[i] - least) * inverse + 0.5F, 31); });
  }

 private:
  static void pack_weighted(const float* values, const Importance& importance, std::byte* target) {
    std::uint8_t q[kBlock];
    const AffineFit fit = weighted_affine_fit(values, importance, kBlock, 31, q);
    put_f16(target, 0, fit.scale);
    put_f16(target, 2, -fit.minimum);
    put_five_bits(target + 4, target + 8, [&](int i) { return q[i]; });
  }
};

}  // namespace pomona::quant
