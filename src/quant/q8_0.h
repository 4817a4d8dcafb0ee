// Q8_0 (GGUF type 8): blocks of 32 values in 34 bytes, x = d * q. Layout: f16 d at 0, 32 signed
// bytes at 2.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "quant/f16.h"

namespace pomona::quant {

struct Q8_0 {
  static constexpr std::int64_t kBlock = 32;
  static constexpr std::int64_t kBytes = 34;

  static void unpack(const std::byte* source, float* values) {
    std::uint16_t d_bits;
    std::int8_t q[kBlock];
    std::memcpy(&d_bits, source, 2);
    std::memcpy(q, source + 2, sizeof q);
    const float d = f16_to_f32(d_bits);
    for (int i = 0; i < kBlock; ++i) values[i] = d * static_cast<float>(q[i]);
  }

  /// d = amax / 127, q = x / d rounded half away from zero, with the d before it becomes an f16.
  static void pack(const float* values, std::byte* target) {
    float amax = 0;
    for (int i = 0; i < kBlock; ++i)
      amax = std::fabs(values[i]) > amax ? std::fabs(values[i]) : amax;
    const float d = amax / 127.0F;
    const float inverse = d != 0 ? 1.0F / d : 0.0F;
    const std::uint16_t d_bits = f32_to_f16(d);
    std::int8_t q[kBlock];
    for (int i = 0; i < kBlock; ++i) q[i] = to_int8(std::round(values[i] * inverse));
    std::memcpy(target, &d_bits, 2);
    std::memcpy(target + 2, q, sizeof q);
  }

 private:
  /// What is not a number or out of range (from infinities and subnormal d) ends inside the range.
  static std::int8_t to_int8(float value) {
    if (!(value > -127.0F)) return -127;
    return static_cast<std::int8_t>(value < 127.0F ? value : 127.0F);
  }
};

}  // namespace pomona::quant
