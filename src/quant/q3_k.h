// Q3_K (GGUF type 11): blocks of 256 values in 110 bytes, sixteen groups of 16, x = d * (sc - 32) *
// (q - 4) with q in 0..7. Layout: 32 bytes at 0, bit 4 h + j of byte l is the third bit of value
// 128 h + 32 j + l; 64 bytes at 32, the other two bits as in Q2_K; twelve bytes of 6-bit scales at
// 96; f16 d at 108.
#pragma once
#include <cstddef>
#include <cstdint>

#include "quant/bytes.h"
#include "quant/search.h"

namespace pomona::quant {

struct Q3_K {
  static constexpr std::int64_t kBlock = 256;
  static constexpr std::int64_t kBytes = 110;

  static void unpack(const std::byte* source, float* values) {
    const float d = f16_at(source, 108);
    for (int i = 0; i < kBlock; ++i) {
      const int low = byte_at(source, 32 + i / 128 * 32 + i % 32) >> (i / 32 % 4 * 2) & 3;
      const int high = byte_at(source, i % 32) >> (i / 32) & 1;
      const float scale = d * static_cast<float>(scale_of(source + 96, i / 16) - 32);
      values[i] = scale * static_cast<float>((low | high << 2) - 4);
    }
  }

  static void pack(const float* values, const Importance& importance, std::byte* target) {
    float scales[kGroups];
    float sums[kGroups];
    std::uint8_t q[kBlock];
    const float mean_square = 2 * sum_of_squares(values, kBlock) / kBlock;
    for (int g = 0; g < kGroups; ++g) {
      const float* x = values + 16 * g;
      if (importance) {
        float weights[16];
        importance.from(16 * g).weigh(x, 16, mean_square, weights);
        sums[g] = 0;
        for (const float weight : weights) sums[g] += weight;
        scales[g] = symmetric_fit(x, weights, 16, 4, q + 16 * g);
      } else {
        scales[g] = descended_fit(x, 16, 4, q + 16 * g);
      }
    }
    std::uint8_t codes[kGroups] = {};
    float d = 0;
    if (importance) {
      d = symmetric_fit(scales, sums, kGroups, 32, codes);
    } else if (const float extreme = extreme_of(scales, kGroups, 0); extreme != 0) {
      const float inverse = -32.0F / extreme;
      for (int g = 0; g < kGroups; ++g)
        codes[g] =
            static_cast<std::uint8_t>(clamp(nearest_even(inverse * scales[g]), -32, 31) + 32);
      d = 1 / inverse;
    }
    put_f16(target, 108, d);
    put_scales(codes, target + 96);
    for (int g = 0; g < kGroups; ++g)
      requantize_symmetric(values + 16 * g, 16,
                           f16_at(target, 108) * static_cast<float>(codes[g] - 32), 4, q + 16 * g);
    for (int b = 0; b < 32; ++b) {
      int high = 0;
      for (int j = 0; j < 8; ++j) high |= q[32 * j + b] >> 2 << j;
      target[b] = static_cast<std::byte>(high);
    }
    for (int b = 0; b < 64; ++b) {
      const std::uint8_t* at = q + b / 32 * 128 + b % 32;
      target[32 + b] = static_cast<std::byte>((at[0] & 3) | (at[32] & 3) << 2 | (at[64] & 3) << 4 |
                                              (at[96] & 3) << 6);
    }
  }

 private:
  static constexpr int kGroups = 16;

  static void put_scales(const std::uint8_t* codes, std::byte* target) {
    for (int b = 0; b < 8; ++b)
      target[b] = static_cast<std::byte>((codes[b] & 15) | (codes[b + 8] & 15) << 4);
    for (int b = 0; b < 4; ++b)
      target[8 + b] = static_cast<std::byte>(codes[b] >> 4 | codes[b + 4] >> 4 << 2 |
                                             codes[b + 8] >> 4 << 4 | codes[b + 12] >> 4 << 6);
  }

  /// Low four bits in the halves of bytes 0..7, high two in the quarters of bytes 8..11.
  static int scale_of(const std::byte* scales, int group) {
    const int low = byte_at(scales, group % 8) >> (group / 8 * 4) & 15;
    const int high = byte_at(scales, 8 + group % 4) >> (group / 4 * 2) & 3;
    return low | high << 4;
  }
};

}  // namespace pomona::quant
