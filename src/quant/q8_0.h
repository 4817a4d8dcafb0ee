// Q8_0 (GGUF type 8): blocks of 32 values in 34 bytes, x = d * q. Layout: f16 d at 0, 32 signed
// bytes at 2.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "quant/bytes.h"

namespace pomona::quant {

struct Q8_0 {
  static constexpr std::int64_t kBlock = 32;
  static constexpr std::int64_t kBytes = 34;

  static void unpack(const std::byte* source, float* values) {
    const float d = f16_at(source);
    for (int i = 0; i < kBlock; ++i)
      values[i] = d * static_cast<float>(field_at<std::int8_t>(source, 2 + i));
  }

  /// d = amax / 127, q = x / d rounded half away from zero, with the d before it becomes an f16.
  static void pack(const float* values, std::byte* target) {
    const float d = std::fabs(largest_of(values, kBlock)) / 127.0F;
    const float inverse = inverse_of(d);
    put_f16(target, 0, d);
    for (int i = 0; i < kBlock; ++i)
      target[2 + i] = static_cast<std::byte>(to_int8(std::round(values[i] * inverse)));
  }

 private:
  /// What is not a number or out of range (from infinities and subnormal d) ends inside the range.
  static std::int8_t to_int8(float value) {
    if (!(value > -127.0F)) return -127;
    return static_cast<std::int8_t>(value < 127.0F ? value : 127.0F);
  }
};

}  // namespace pomona::quant
