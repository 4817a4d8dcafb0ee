// Q4_K (GGUF type 12): blocks of 256 values in 144 bytes, eight groups of 32, x = d * sc * q -
// dmin * mn with q in 0..15. Layout: f16 d at 0, f16 dmin at 2, twelve bytes of 6-bit scales and
// minima at 4, 128 bytes of values at 16: byte 32 c + l holds value 64 c + l in its low half and
// value 64 c + 32 + l in its high half.
#pragma once
#include <cstddef>
#include <cstdint>

#include "quant/bytes.h"
#include "quant/search.h"

namespace pomona::quant {

/// Scale and minimum of group g in the twelve bytes that Q4_K and Q5_K share: the first four groups
/// have theirs in the low six bits of bytes g and g + 4; the others have four bits in the halves of
/// byte g + 4 and two in the highest bits of bytes g - 4 and g.
struct SixBitScales {
  const std::byte* bytes;

  int scale(int g) const {
    if (g < 4) return byte_at(bytes, g) & 63;
    return (byte_at(bytes, g + 4) & 15) | byte_at(bytes, g - 4) >> 6 << 4;
  }
  int minimum(int g) const {
    if (g < 4) return byte_at(bytes, g + 4) & 63;
    return byte_at(bytes, g + 4) >> 4 | byte_at(bytes, g) >> 6 << 4;
  }
};

/// What Q4_K and Q5_K share when they are made: scale and minimum of eight groups of 32 at `target`
/// (d, dmin, twelve bytes) and the codes 0..levels of 256 values.
inline void pack_affine_groups(const float* values, const Importance& importance, int levels,
                               AffineSearch search, std::byte* target, std::uint8_t* q) {
  float scales[8];
  float minima[8];
  float sums[8];
  const float mean_square = 2 * sum_of_squares(values, 256) / 256;
  for (int g = 0; g < 8; ++g) {
    const float* x = values + 32 * g;
    float weights[32];
    if (importance) {
      importance.from(32 * g).weigh(x, 32, mean_square, weights);
      search = kWeightedSearch;
    } else {
      const float mean = std::sqrt(sum_of_squares(x, 32) / 32);
      for (int i = 0; i < 32; ++i) weights[i] = mean + std::fabs(x[i]);
    }
    sums[g] = 0;
    for (const float weight : weights) sums[g] += weight;
    const AffineFit fit = affine_fit(x, weights, 32, levels, search, q + 32 * g);
    scales[g] = fit.scale;
    minima[g] = fit.minimum;
  }
  std::uint8_t scale_codes[8];
  std::uint8_t minimum_codes[8];
  const float* weights = importance ? sums : nullptr;
  const float d = put_group_scales(scales, weights, 8, 63, scale_codes, target);
  const float dmin = put_group_scales(minima, weights, 8, 63, minimum_codes, target + 2);
  for (int g = 0; g < 4; ++g) {
    target[4 + g] = static_cast<std::byte>(scale_codes[g] | scale_codes[g + 4] >> 4 << 6);
    target[8 + g] = static_cast<std::byte>(minimum_codes[g] | minimum_codes[g + 4] >> 4 << 6);
    target[12 + g] =
        static_cast<std::byte>((scale_codes[g + 4] & 15) | (minimum_codes[g + 4] & 15) << 4);
  }
  for (int g = 0; g < 8; ++g) {
    requantize_affine(values + 32 * g, 32, d * scale_codes[g], dmin * minimum_codes[g], levels,
                      q + 32 * g);
  }
}

/// The low four bits of 256 codes as both formats store them, in 128 bytes.
inline void put_nibble_pairs(const std::uint8_t* q, std::byte* target) {
  for (int b = 0; b < 128; ++b) {
    const std::uint8_t* at = q + b / 32 * 64 + b % 32;
    target[b] = static_cast<std::byte>((at[0] & 15) | (at[32] & 15) << 4);
  }
}

struct Q4_K {
  static constexpr std::int64_t kBlock = 256;
  static constexpr std::int64_t kBytes = 144;

  static void unpack(const std::byte* source, float* values) {
    const float d = f16_at(source);
    const float dmin = f16_at(source, 2);
    const SixBitScales scales{source + 4};
    for (int g = 0; g < 8; ++g) {
      const float scale = d * static_cast<float>(scales.scale(g));
      const float minimum = dmin * static_cast<float>(scales.minimum(g));
      for (int l = 0; l < 32; ++l) {
        const int q = byte_at(source, 16 + g / 2 * 32 + l) >> (g % 2 * 4) & 15;
        values[32 * g + l] = scale * static_cast<float>(q) - minimum;
      }
    }
  }

  static void pack(const float* values, const Importance& importance, std::byte* target) {
    std::uint8_t q[kBlock];
    pack_affine_groups(values, importance, 15, {-1.0F, 0.1F, 20}, target, q);
    put_nibble_pairs(q, target + 16);
  }
};

}  // namespace pomona::quant
