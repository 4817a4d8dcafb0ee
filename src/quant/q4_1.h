// Q4_1 (GGUF type 3): blocks of 32 values in 20 bytes, x = d * q + m with q in 0..15. Layout: f16 d
// at 0, f16 m at 2, 16 bytes at 4: byte j holds value j in its low half and value j + 16 in its
// high half.
#pragma once
#include <cstddef>
#include <cstdint>

#include "quant/bytes.h"
#include "quant/search.h"

namespace pomona::quant {

struct Q4_1 {
  static constexpr std::int64_t kBlock = 32;
  static constexpr std::int64_t kBytes = 20;

  static void unpack(const std::byte* source, float* values) {
    const float d = f16_at(source);
    const float m = f16_at(source, 2);
    for (int j = 0; j < kBlock / 2; ++j) {
      const int q = byte_at(source, 4 + j);
      values[j] = d * static_cast<float>(q & 15) + m;
      values[j + kBlock / 2] = d * static_cast<float>(q >> 4) + m;
    }
  }

  /// d = (max - min) / 15, m = min, q = (x - min) / d rounded half up, with the d before it becomes
  /// an f16.
  static void pack(const float* values, const Importance& importance, std::byte* target) {
    if (importance) return pack_weighted(values, importance, target);
    const auto [low, high] = range_of(values, kBlock);
    const float d = (high - low) / 15.0F;
    const float inverse = inverse_of(d);
    put_f16(target, 0, d);
    put_f16(target, 2, low);
    for (int j = 0; j < kBlock / 2; ++j) {
      const int first = truncated((values[j] - low) * inverse + 0.5F, 15);
      const int second = truncated((values[j + kBlock / 2] - low) * inverse + 0.5F, 15);
      target[4 + j] = static_cast<std::byte>(first | second << 4);
    }
  }

 private:
  static void pack_weighted(const float* values, const Importance& importance, std::byte* target) {
    std::uint8_t q[kBlock];
    const AffineFit fit = weighted_affine_fit(values, importance, kBlock, 15, q);
    put_f16(target, 0, fit.scale);
    put_f16(target, 2, -fit.minimum);
    for (int j = 0; j < kBlock / 2; ++j)
      target[4 + j] = static_cast<std::byte>(q[j] | q[j + kBlock / 2] << 4);
  }
};

}  // namespace pomona::quant
