// Q5_K (GGUF type 13): blocks of 256 values in 176 bytes, eight groups of 32, x = d * sc * q -
// dmin * mn with q in 0..31. Layout: f16 d at 0, f16 dmin at 2, scales and minima at 4 as in Q4_K,
// 32 bytes at 16 whose bit g of byte l is the fifth bit of value 32 g + l, 128 bytes at 48 with the
// other four bits as in Q4_K.
#pragma once
#include <cstddef>
#include <cstdint>

#include "quant/q4_k.h"

namespace pomona::quant {

struct Q5_K {
  static constexpr std::int64_t kBlock = 256;
  static constexpr std::int64_t kBytes = 176;

  static void unpack(const std::byte* source, float* values) {
    const float d = f16_at(source);
    const float dmin = f16_at(source, 2);
    const SixBitScales scales{source + 4};
    for (int g = 0; g < 8; ++g) {
      const float scale = d * static_cast<float>(scales.scale(g));
      const float minimum = dmin * static_cast<float>(scales.minimum(g));
      for (int l = 0; l < 32; ++l) {
        const int low = byte_at(source, 48 + g / 2 * 32 + l) >> (g % 2 * 4) & 15;
        const int fifth = byte_at(source, 16 + l) >> g & 1;
        values[32 * g + l] = scale * static_cast<float>(low | fifth << 4) - minimum;
      }
    }
  }

  static void pack(const float* values, const Importance& importance, std::byte* target) {
    std::uint8_t q[kBlock];
    pack_affine_groups(values, importance, 31, {-0.5F, 0.1F, 15}, target, q);
    for (int l = 0; l < 32; ++l) {
      int fifths = 0;
      for (int g = 0; g < 8; ++g) fifths |= q[32 * g + l] >> 4 << g;
      target[16 + l] = static_cast<std::byte>(fifths);
    }
    put_nibble_pairs(q, target + 48);
  }
};

}  // namespace pomona::quant
