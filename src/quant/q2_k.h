// Q2_K (GGUF type 10): blocks of 256 values in 84 bytes, sixteen groups of 16, x = d * sc * q -
// dmin * mn with q in 0..3. Layout: 16 bytes at 0, one for each group, sc in the low half and mn in
// the high half; 64 bytes of values at 16; f16 d at 80, f16 dmin at 82. Value 128 h + 32 j + l lies
// in bits 2 j of byte 32 h + l.
#pragma once
#include <cstddef>
#include <cstdint>

#include "quant/bytes.h"
#include "quant/search.h"

namespace pomona::quant {

struct Q2_K {
  static constexpr std::int64_t kBlock = 256;
  static constexpr std::int64_t kBytes = 84;

  static void unpack(const std::byte* source, float* values) {
    const float d = f16_at(source, 80);
    const float dmin = f16_at(source, 82);
    for (int i = 0; i < kBlock; ++i) {
      const int scales = byte_at(source, i / 16);
      const int q = byte_at(source, 16 + i / 128 * 32 + i % 32) >> (i / 32 % 4 * 2) & 3;
      const float scale = d * static_cast<float>(scales & 15);
      values[i] = scale * static_cast<float>(q) - dmin * static_cast<float>(scales >> 4);
    }
  }

  /// Each group by affine_fit, its scale and minimum as four bits of the block's, then the codes
  /// again with those.
  static void pack(const float* values, const Importance& importance, std::byte* target) {
    float scales[kGroups];
    float minima[kGroups];
    float sums[kGroups];
    std::uint8_t q[kBlock];
    const float mean_square = sum_of_squares(values, kBlock) / kBlock;
    for (int g = 0; g < kGroups; ++g) {
      const float* x = values + 16 * g;
      float weights[16];
      AffineSearch search{-0.5F, 0.1F, 15, true};
      if (importance) {
        importance.from(16 * g).weigh(x, 16, mean_square, weights);
        search = kWeightedSearch;
      } else {
        for (int i = 0; i < 16; ++i) weights[i] = std::fabs(x[i]);
      }
      sums[g] = 0;
      for (const float weight : weights) sums[g] += weight;
      const AffineFit fit = affine_fit(x, weights, 16, 3, search, q + 16 * g);
      scales[g] = fit.scale;
      minima[g] = fit.minimum;
    }
    std::uint8_t scale_codes[kGroups];
    std::uint8_t minimum_codes[kGroups];
    const float d = put_group_scales(scales, importance ? sums : nullptr, kGroups, 15, scale_codes,
                                     target + 80);
    const float dmin = put_group_scales(minima, importance ? sums : nullptr, kGroups, 15,
                                        minimum_codes, target + 82);
    for (int g = 0; g < kGroups; ++g) {
      target[g] = static_cast<std::byte>(scale_codes[g] | minimum_codes[g] << 4);
      requantize_affine(values + 16 * g, 16, d * scale_codes[g], dmin * minimum_codes[g], 3,
                        q + 16 * g);
    }
    for (int b = 0; b < 64; ++b) {
      const std::uint8_t* at = q + b / 32 * 128 + b % 32;
      target[16 + b] = static_cast<std::byte>(at[0] | at[32] << 2 | at[64] << 4 | at[96] << 6);
    }
  }

 private:
  static constexpr int kGroups = 16;
};

}  // namespace pomona::quant
