// IQ4_NL and IQ4_XS (GGUF types 20 and 23): four bits choose one of sixteen levels that lie closer
// to each other around zero.
#pragma once
#include <cstddef>
#include <cstdint>

#include "quant/bytes.h"
#include "quant/search.h"

namespace pomona::quant {

constexpr std::int8_t kIq4Levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                        1,    13,   25,  38,  53,  69,  89,  113};

/// 32 values scale * level; byte j holds value j in its low half and value j + 16 in its high half.
inline void unpack_iq4_group(float scale, const std::byte* nibbles, float* values) {
  for (int j = 0; j < 16; ++j) {
    const int q = byte_at(nibbles, j);
    values[j] = scale * static_cast<float>(kIq4Levels[q & 15]);
    values[j + 16] = scale * static_cast<float>(kIq4Levels[q >> 4]);
  }
}

/// The level nearest to x, the upper one of two.
inline int nearest_iq4_level(float x) {
  int upper = 1;
  while (upper < 15 && x >= static_cast<float>(kIq4Levels[upper])) ++upper;
  const auto low = static_cast<float>(kIq4Levels[upper - 1]);
  const auto high = static_cast<float>(kIq4Levels[upper]);
  return x - low < high - x ? upper - 1 : upper;
}

/// The scale of 32 values with the least weighted error: inverse scales (i + lowest level) /
/// extreme, i in -7..7, each with its scale by weighted least squares.
inline float iq4_fit(const float* x, const float* weights) {
  const float extreme = extreme_of(x, 32);
  if (extreme == 0) return 0;
  const auto lowest = static_cast<float>(kIq4Levels[0]);
  const auto attempt = [&](float inverse) {
    SymmetricSums sums;
    for (int i = 0; i < 32; ++i)
      sums.add_level(weights[i], x[i], kIq4Levels[nearest_iq4_level(inverse * x[i])]);
    return sums;
  };
  SymmetricSums sums = attempt(1 / (-extreme / lowest));
  float scale = sums.xl / sums.l2;
  float best = scale * sums.xl;
  for (int i = -7; i <= 7; ++i) {
    sums = attempt((static_cast<float>(i) + lowest) / extreme);
    if (sums.l2 > 0 && sums.xl * sums.xl > best * sums.l2) {
      scale = sums.xl / sums.l2;
      best = scale * sums.xl;
    }
  }
  return scale;
}

/// What a value's error counts in both formats: by importance, else by its square.
inline void iq4_weights(const float* x, const Importance& importance, float mean_square,
                        float* weights) {
  if (importance) return importance.weigh(x, 32, mean_square, weights);
  for (int i = 0; i < 32; ++i) weights[i] = x[i] * x[i];
}

inline void put_iq4_group(const float* x, float scale, std::byte* target) {
  const float inverse = inverse_of(scale);
  for (int j = 0; j < 16; ++j) {
    const int low = nearest_iq4_level(inverse * x[j]);
    const int high = nearest_iq4_level(inverse * x[j + 16]);
    target[j] = static_cast<std::byte>(low | high << 4);
  }
}

/// 32 values in 18 bytes, x = d * level: f16 d at 0, 16 bytes at 2.
struct IQ4_NL {
  static constexpr std::int64_t kBlock = 32;
  static constexpr std::int64_t kBytes = 18;

  static void unpack(const std::byte* source, float* values) {
    unpack_iq4_group(f16_at(source), source + 2, values);
  }

  static void pack(const float* values, const Importance& importance, std::byte* target) {
    float weights[kBlock];
    iq4_weights(values, importance, 2 * sum_of_squares(values, kBlock) / kBlock, weights);
    const float scale = iq4_fit(values, weights);
    put_f16(target, 0, scale);
    put_iq4_group(values, scale, target + 2);
  }
};

/// 256 values in 136 bytes, eight groups of 32, x = d * (sc - 32) * level: f16 d at 0, u16 at 2
/// with the high two bits of each scale, four bytes at 4 with the low four, 128 bytes at 8.
struct IQ4_XS {
  static constexpr std::int64_t kBlock = 256;
  static constexpr std::int64_t kBytes = 136;

  static void unpack(const std::byte* source, float* values) {
    const float d = f16_at(source);
    const int high = field_at<std::uint16_t>(source, 2);
    for (int g = 0; g < 8; ++g) {
      const int low = byte_at(source, 4 + g / 2) >> (g % 2 * 4) & 15;
      const int scale = (low | (high >> (2 * g) & 3) << 4) - 32;
      unpack_iq4_group(d * static_cast<float>(scale), source + 8 + 16 * g, values + 32 * g);
    }
  }

  static void pack(const float* values, const Importance& importance, std::byte* target) {
    const float mean_square = 2 * sum_of_squares(values, kBlock) / kBlock;
    float scales[8];
    for (int g = 0; g < 8; ++g) {
      float weights[32];
      iq4_weights(values + 32 * g, importance.from(32 * g), mean_square, weights);
      scales[g] = iq4_fit(values + 32 * g, weights);
    }
    const float d = -extreme_of(scales, 8, 0) / 32;
    const float inverse = inverse_of(d);
    std::memset(target, 0, 8);
    put_f16(target, 0, d);
    std::uint16_t high = 0;
    for (int g = 0; g < 8; ++g) {
      const int l = clamp(nearest_even(inverse * scales[g]), -32, 31);
      put_iq4_group(values + 32 * g, d * static_cast<float>(l), target + 8 + 16 * g);
      const int code = l + 32;
      target[4 + g / 2] |= static_cast<std::byte>((code & 15) << (g % 2 * 4));
      high = static_cast<std::uint16_t>(high | code >> 4 << (2 * g));
    }
    std::memcpy(target + 2, &high, sizeof high);
  }
};

}  // namespace pomona::quant
