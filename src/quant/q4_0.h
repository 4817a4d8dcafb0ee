// Q4_0 (GGUF type 2): blocks of 32 values in 18 bytes, x = d * (q - 8) with q in 0..15. Layout: f16
// d at 0, 16 bytes at 2: byte j holds value j in its low half and value j + 16 in its high half.
#pragma once
#include <cstddef>
#include <cstdint>

#include "quant/bytes.h"
#include "quant/search.h"

namespace pomona::quant {

struct Q4_0 {
  static constexpr std::int64_t kBlock = 32;
  static constexpr std::int64_t kBytes = 18;

  static void unpack(const std::byte* source, float* values) {
    const float d = f16_at(source);
    for (int j = 0; j < kBlock / 2; ++j) {
      const int q = byte_at(source, 2 + j);
      values[j] = d * static_cast<float>((q & 15) - 8);
      values[j + kBlock / 2] = d * static_cast<float>((q >> 4) - 8);
    }
  }

  /// d = -x / 8 of the x with the largest magnitude, q = x / d + 8 rounded half up, with the d
  /// before it becomes an f16.
  static void pack(const float* values, const Importance& importance, std::byte* target) {
    if (importance) return pack_weighted(values, importance, target);
    const float d = largest_of(values, kBlock) / -8.0F;
    const float inverse = inverse_of(d);
    put_f16(target, 0, d);
    for (int j = 0; j < kBlock / 2; ++j) {
      const int low = truncated(values[j] * inverse + 8.5F, 15);
      const int high = truncated(values[j + kBlock / 2] * inverse + 8.5F, 15);
      target[2 + j] = static_cast<std::byte>(low | high << 4);
    }
  }

 private:
  static void pack_weighted(const float* values, const Importance& importance, std::byte* target) {
    float weights[kBlock];
    std::uint8_t q[kBlock];
    importance.weigh(values, kBlock, importance.row_mean_square, weights);
    put_f16(target, 0, symmetric_fit(values, weights, kBlock, 8, q));
    for (int j = 0; j < kBlock / 2; ++j)
      target[2 + j] = static_cast<std::byte>(q[j] | q[j + kBlock / 2] << 4);
  }
};

}  // namespace pomona::quant
