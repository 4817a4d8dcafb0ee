// What the block formats share: fields at any address, little-endian, and the extremes that the
// simple quantisers start from.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "quant/f16.h"

namespace pomona::quant {

inline int byte_at(const std::byte* source, std::int64_t offset) {
  return static_cast<int>(source[offset]);
}

template <class T>
T field_at(const std::byte* source, std::int64_t offset) {
  T field;
  std::memcpy(&field, source + offset, sizeof field);
  return field;
}

inline float f16_at(const std::byte* source, std::int64_t offset = 0) {
  return f16_to_f32(field_at<std::uint16_t>(source, offset));
}

inline void put_f16(std::byte* target, std::int64_t offset, float value) {
  const std::uint16_t bits = f32_to_f16(value);
  std::memcpy(target + offset, &bits, sizeof bits);
}

/// Truncated to a whole number in 0..highest; what is not a number or out of range ends inside.
inline int truncated(float value, int highest) {
  if (!(value > 0.0F)) return 0;
  return value < static_cast<float>(highest) ? static_cast<int>(value) : highest;
}

/// Of `count` values the one with the largest magnitude, the first of equals.
inline float largest_of(const float* values, std::int64_t count) {
  float largest = 0;
  float amax = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    if (std::fabs(values[i]) > amax) {
      amax = std::fabs(values[i]);
      largest = values[i];
    }
  }
  return largest;
}

struct Range {
  float low;
  float high;
};

inline Range range_of(const float* values, std::int64_t count) {
  Range range{values[0], values[0]};
  for (std::int64_t i = 1; i < count; ++i) {
    range.low = values[i] < range.low ? values[i] : range.low;
    range.high = values[i] > range.high ? values[i] : range.high;
  }
  return range;
}

inline float inverse_of(float d) { return d != 0 ? 1.0F / d : 0.0F; }

}  // namespace pomona::quant
