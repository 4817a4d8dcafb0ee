// The searches behind the k-quants and the non-linear formats: scales (and minima) of a group of
// values that leave the least weighted error. The order of every sum is that of ggml's published
// quantisers, so that the bytes are the same; the unit that includes this is built without
// contraction of a * b + c.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "quant/bytes.h"

namespace pomona::quant {

inline constexpr int kLargestGroup = 32;

/// A group whose largest magnitude is less than this is all zeros.
inline constexpr float kNothing = 1e-15F;

/// Rounded to nearest, ties to even: the addition leaves the whole number in the low bits.
inline int nearest_even(float value) {
  const float shifted = value + 12582912.0F;
  std::int32_t bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  return (bits & 0x007fffff) - 0x00400000;
}

inline int clamp(int value, int low, int high) {
  return value < low ? low : value > high ? high : value;
}

/// How much the errors of a block's values count: an importance for each, e.g. the mean square of
/// what they are multiplied with. Without (`of` null) the formats weigh by the values themselves.
struct Importance {
  const float* of = nullptr;
  float row_mean_square = 0;  // of the whole row

  explicit operator bool() const { return of != nullptr; }
  Importance from(std::int64_t i) const {
    return {of != nullptr ? of + i : nullptr, row_mean_square};
  }
  /// of[i] * sqrt(mean_square + x^2) for n values.
  void weigh(const float* x, std::int64_t n, float mean_square, float* weights) const {
    for (std::int64_t i = 0; i < n; ++i) weights[i] = of[i] * std::sqrt(mean_square + x[i] * x[i]);
  }
};

inline float sum_of_squares(const float* x, std::int64_t n) {
  float sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += x[i] * x[i];
  return sum;
}

/// x = scale * q - minimum, with q in 0..levels.
struct AffineFit {
  float scale;
  float minimum;
};

/// What affine_fit tries: inverse scales (first + step * i + levels) / (max - min), i in 0..steps,
/// min being that of the best so far.
struct AffineSearch {
  float first;
  float step;
  int steps;
  bool absolute = false;  // the error is sum w |x - x'| in place of sum w (x - x')^2
};

/// The best of the tries, each with scale and minimum by weighted least squares; q holds its codes.
inline AffineFit affine_fit(const float* x, const float* w, int n, int levels,
                            const AffineSearch& search, std::uint8_t* q) {
  float minimum = x[0];
  float high = x[0];
  float sum_w = w[0];
  float sum_x = sum_w * x[0];
  for (int i = 1; i < n; ++i) {
    if (x[i] < minimum) minimum = x[i];
    if (x[i] > high) high = x[i];
    sum_w += w[i];
    sum_x += w[i] * x[i];
  }
  if (minimum > 0) minimum = 0;
  if (high <= minimum) {
    for (int i = 0; i < n; ++i) q[i] = 0;
    return {0.0F, -minimum};
  }
  const auto error_of = [&](const std::uint8_t* codes, float by, float from) {
    float error = 0;
    for (int i = 0; i < n; ++i) {
      float difference = by * static_cast<float>(codes[i]) + from - x[i];
      difference = search.absolute ? std::fabs(difference) : difference * difference;
      error += w[i] * difference;
    }
    return error;
  };
  const auto quantize = [&](float inverse, std::uint8_t* codes) {
    for (int i = 0; i < n; ++i) {
      codes[i] =
          static_cast<std::uint8_t>(clamp(nearest_even(inverse * (x[i] - minimum)), 0, levels));
    }
  };
  float inverse = static_cast<float>(levels) / (high - minimum);
  float scale = 1 / inverse;
  quantize(inverse, q);
  float best = error_of(q, scale, minimum);
  std::uint8_t tried[kLargestGroup];
  for (int step = 0; step <= search.steps; ++step) {
    inverse = (search.first + search.step * static_cast<float>(step) + static_cast<float>(levels)) /
              (high - minimum);
    quantize(inverse, tried);
    float sum_l = 0;
    float sum_l2 = 0;
    float sum_xl = 0;
    for (int i = 0; i < n; ++i) {
      const auto l = static_cast<float>(tried[i]);
      sum_l += w[i] * l;
      sum_l2 += w[i] * l * l;
      sum_xl += w[i] * l * x[i];
    }
    const float determinant = sum_w * sum_l2 - sum_l * sum_l;
    if (!(determinant > 0)) continue;
    float this_scale = (sum_w * sum_xl - sum_x * sum_l) / determinant;
    float this_minimum = (sum_l2 * sum_x - sum_l * sum_xl) / determinant;
    if (this_minimum > 0) {
      this_minimum = 0;
      this_scale = sum_xl / sum_l2;
    }
    const float error = error_of(tried, this_scale, this_minimum);
    if (error < best) {
      best = error;
      scale = this_scale;
      minimum = this_minimum;
      std::memcpy(q, tried, static_cast<std::size_t>(n));
    }
  }
  return {scale, -minimum};
}

/// The search that every affine format does when importances are given.
inline constexpr AffineSearch kWeightedSearch{-0.9F, 0.05F, 36};

/// affine_fit of a block of a format whose blocks stand alone.
inline AffineFit weighted_affine_fit(const float* x, const Importance& importance, int n,
                                     int levels, std::uint8_t* q) {
  float weights[kLargestGroup];
  importance.weigh(x, n, importance.row_mean_square, weights);
  return affine_fit(x, weights, n, levels, kWeightedSearch, q);
}

/// Weighted sums of a symmetric fit x = scale * l.
struct SymmetricSums {
  float xl = 0;
  float l2 = 0;

  /// The same with the products in the order of the formats with levels.
  void add_level(float w, float x, int level) {
    const auto q = static_cast<float>(level);
    xl += w * q * x;
    l2 += w * q * q;
  }
  void add(float w, float x, int l) {
    xl += w * x * static_cast<float>(l);
    l2 += w * static_cast<float>(l) * static_cast<float>(l);
  }
  float scale() const { return l2 > 0 ? xl / l2 : 0.0F; }
};

/// Signed value of the largest magnitude, the first of equals, or 0 where all are less than
/// `least`.
inline float extreme_of(const float* x, int n, float least = kNothing) {
  float amax = 0;
  float extreme = 0;
  for (int i = 0; i < n; ++i) {
    if (std::fabs(x[i]) > amax) {
      amax = std::fabs(x[i]);
      extreme = x[i];
    }
  }
  return amax < least ? 0.0F : extreme;
}

/// x = scale * l with l in -levels..levels - 1: inverse scales -(levels + i / 10) / extreme, i in
/// -9..9, each with its scale by weighted least squares. q holds l + levels. Weights default to
/// x^2.
inline float symmetric_fit(const float* x, const float* weights, int n, int levels,
                           std::uint8_t* q) {
  const float extreme = extreme_of(x, n);
  for (int i = 0; i < n; ++i) q[i] = 0;
  if (extreme == 0) return 0;
  std::uint8_t tried[kLargestGroup];
  const auto attempt = [&](float inverse) {
    SymmetricSums sums;
    for (int i = 0; i < n; ++i) {
      const int l = clamp(nearest_even(inverse * x[i]), -levels, levels - 1);
      tried[i] = static_cast<std::uint8_t>(l + levels);
      sums.add(weights != nullptr ? weights[i] : x[i] * x[i], x[i], l);
    }
    return sums;
  };
  SymmetricSums sums = attempt(-static_cast<float>(levels) / extreme);
  std::memcpy(q, tried, static_cast<std::size_t>(n));
  float scale = sums.scale();
  float best = scale * sums.xl;
  for (int i = -9; i <= 9; ++i) {
    if (i == 0) continue;
    sums = attempt(-(static_cast<float>(levels) + 0.1F * static_cast<float>(i)) / extreme);
    if (sums.l2 > 0 && sums.xl * sums.xl > best * sums.l2) {
      std::memcpy(q, tried, static_cast<std::size_t>(n));
      scale = sums.scale();
      best = scale * sums.xl;
    }
  }
  return scale;
}

/// x = scale * l with l in low..high, by coordinate descent from the codes l: at most five passes,
/// a code changes where that lessens the error.
inline float descend(const float* x, const float* weights, int n, int low, int high, int* l,
                     SymmetricSums sums) {
  for (int pass = 0; pass < 5; ++pass) {
    bool changed = false;
    for (int i = 0; i < n; ++i) {
      const float w = weights != nullptr ? weights[i] : x[i] * x[i];
      SymmetricSums others = sums;
      others.xl -= w * x[i] * static_cast<float>(l[i]);
      others.l2 -= w * static_cast<float>(l[i]) * static_cast<float>(l[i]);
      if (!(others.xl > 0) || !(weights == nullptr || others.l2 > 0)) continue;
      const int now = clamp(nearest_even(x[i] * others.l2 / others.xl), low, high);
      if (now == l[i]) continue;
      others.add(w, x[i], now);
      if (others.l2 > 0 && others.xl * others.xl * sums.l2 > sums.xl * sums.xl * others.l2) {
        l[i] = now;
        sums = others;
        changed = true;
      }
    }
    if (!changed) break;
  }
  return sums.scale();
}

/// Q3_K's fit without importances: x = scale * l with l in -levels..levels - 1; q holds l + levels.
inline float descended_fit(const float* x, int n, int levels, std::uint8_t* q) {
  const float extreme = extreme_of(x, n);
  for (int i = 0; i < n; ++i) q[i] = 0;
  if (extreme == 0) return 0;
  const float inverse = -static_cast<float>(levels) / extreme;
  int l[kLargestGroup];
  SymmetricSums sums;
  for (int i = 0; i < n; ++i) {
    l[i] = clamp(nearest_even(inverse * x[i]), -levels, levels - 1);
    sums.add(x[i] * x[i], x[i], l[i]);
  }
  const float scale = descend(x, nullptr, n, -levels, levels - 1, l, sums);
  for (int i = 0; i < n; ++i) q[i] = static_cast<std::uint8_t>(l[i] + levels);
  return scale;
}

/// The scales of a block's groups as whole multiples of one: x >= 0, x = scale * l with l in
/// 0..levels, weighted. q holds l.
inline float scales_fit(const float* x, const float* w, int n, int levels, std::uint8_t* q) {
  float high = 0;
  for (int i = 0; i < n; ++i) high = x[i] > high ? x[i] : high;
  for (int i = 0; i < n; ++i) q[i] = 0;
  if (high < kNothing) return 0;
  const auto error_of = [&](float inverse) {
    const float scale = 1 / inverse;
    float error = 0;
    for (int i = 0; i < n; ++i) {
      const int l = clamp(nearest_even(inverse * x[i]), 0, levels);
      const float difference = x[i] - scale * static_cast<float>(l);
      error += w[i] * difference * difference;
    }
    return error;
  };
  float inverse = static_cast<float>(levels) / high;
  float best = error_of(inverse);
  for (int i = -4; i <= 4; ++i) {
    if (i == 0) continue;
    const float tried = (0.1F * static_cast<float>(i) + static_cast<float>(levels)) / high;
    const float error = error_of(tried);
    if (error < best) {
      best = error;
      inverse = tried;
    }
  }
  int l[kLargestGroup];
  SymmetricSums sums;
  for (int i = 0; i < n; ++i) {
    l[i] = clamp(nearest_even(inverse * x[i]), 0, levels);
    sums.add(w[i], x[i], l[i]);
  }
  const float scale = descend(x, w, n, 0, levels, l, sums);
  for (int i = 0; i < n; ++i) q[i] = static_cast<std::uint8_t>(l[i]);
  return scale;
}

/// The scales (or minima) of a block's n groups as codes 0..levels of one f16 that goes to
/// `target`; returns what that f16 decodes to. With weights (sums over each group) by scales_fit,
/// without from the largest alone.
inline float put_group_scales(const float* scales, const float* weights, int n, int levels,
                              std::uint8_t* codes, std::byte* target) {
  float d = 0;
  if (weights != nullptr) {
    d = scales_fit(scales, weights, n, levels, codes);
  } else {
    float high = 0;
    for (int g = 0; g < n; ++g) high = scales[g] > high ? scales[g] : high;
    const float inverse = high > 0 ? static_cast<float>(levels) / high : 0.0F;
    for (int g = 0; g < n; ++g)
      codes[g] = static_cast<std::uint8_t>(clamp(nearest_even(inverse * scales[g]), 0, levels));
    d = high / static_cast<float>(levels);
  }
  put_f16(target, 0, d);
  return f16_at(target);
}

/// The codes of n values again, with the scale and minimum as they are stored. A scale of 0 leaves
/// them.
inline void requantize_affine(const float* x, int n, float scale, float minimum, int levels,
                              std::uint8_t* q) {
  if (scale == 0) return;
  for (int i = 0; i < n; ++i) {
    q[i] = static_cast<std::uint8_t>(clamp(nearest_even((x[i] + minimum) / scale), 0, levels));
  }
}

/// The same without a minimum: codes l + levels with l in -levels..levels - 1.
inline void requantize_symmetric(const float* x, int n, float scale, int levels, std::uint8_t* q) {
  if (scale == 0) return;
  for (int i = 0; i < n; ++i) {
    q[i] =
        static_cast<std::uint8_t>(clamp(nearest_even(x[i] / scale), -levels, levels - 1) + levels);
  }
}

}  // namespace pomona::quant
