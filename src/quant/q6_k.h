// Q6_K (GGUF type 14): blocks of 256 values in 210 bytes, sixteen groups of 16, x = d * sc * (q -
// 32) with q in 0..63. Layout: 128 bytes at 0, the low four bits; 64 bytes at 128, the high two; 16
// signed scales at 192; f16 d at 208. Value 128 h + 32 k + l has its low bits in half k / 2 of byte
// 64 h + 32 (k % 2) + l, and its high bits in bits 2 k of byte 32 h + l.
#pragma once
#include <cstddef>
#include <cstdint>

#include "quant/bytes.h"
#include "quant/search.h"

namespace pomona::quant {

struct Q6_K {
  static constexpr std::int64_t kBlock = 256;
  static constexpr std::int64_t kBytes = 210;

  static void unpack(const std::byte* source, float* values) {
    const float d = f16_at(source, 208);
    for (int i = 0; i < kBlock; ++i) {
      const int h = i / 128;
      const int k = i / 32 % 4;
      const int l = i % 32;
      const int low = byte_at(source, 64 * h + 32 * (k % 2) + l) >> (k / 2 * 4) & 15;
      const int high = byte_at(source, 128 + 32 * h + l) >> (2 * k) & 3;
      const float scale = d * static_cast<float>(field_at<std::int8_t>(source, 192 + i / 16));
      values[i] = scale * static_cast<float>((low | high << 4) - 32);
    }
  }

  static void pack(const float* values, const Importance& importance, std::byte* target) {
    float scales[16];
    std::uint8_t q[kBlock];
    for (int g = 0; g < 16; ++g)
      scales[g] = symmetric_fit(values + 16 * g, importance.from(16 * g).of, 16, 32, q + 16 * g);
    const float extreme = extreme_of(scales, 16);
    if (extreme == 0) {
      std::memset(target, 0, kBytes);
      return;
    }
    const float inverse = -128.0F / extreme;
    put_f16(target, 208, 1 / inverse);
    for (int g = 0; g < 16; ++g) {
      const int scale = clamp(nearest_even(inverse * scales[g]), -128, 127);
      target[192 + g] = static_cast<std::byte>(scale);
      requantize_symmetric(values + 16 * g, 16, f16_at(target, 208) * static_cast<float>(scale), 32,
                           q + 16 * g);
    }
    for (int b = 0; b < 128; ++b) {
      const std::uint8_t* at = q + b / 64 * 128 + b % 64;
      target[b] = static_cast<std::byte>((at[0] & 15) | (at[64] & 15) << 4);
    }
    for (int b = 0; b < 64; ++b) {
      const std::uint8_t* at = q + b / 32 * 128 + b % 32;
      target[128 + b] = static_cast<std::byte>(at[0] >> 4 | at[32] >> 4 << 2 | at[64] >> 4 << 4 |
                                               at[96] >> 4 << 6);
    }
  }
};

}  // namespace pomona::quant
