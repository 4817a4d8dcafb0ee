// Q4_1 (GGUF type 3): blocks of 32 values in 20 bytes, x = d * q + m with q in 0..15. Layout: f16 d
// at 0, f16 m at 2, 16 bytes at 4: byte j holds value j in its low half and value j + 16 in its
// high half.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "quant/f16.h"

namespace pomona::quant {

struct Q4_1 {
  static constexpr std::int64_t kBlock = 32;
  static constexpr std::int64_t kBytes = 20;

  static void unpack(const std::byte* source, float* values) {
    std::uint16_t head[2];
    std::uint8_t q[kBlock / 2];
    std::memcpy(head, source, sizeof head);
    std::memcpy(q, source + sizeof head, sizeof q);
    const float d = f16_to_f32(head[0]);
    const float m = f16_to_f32(head[1]);
    for (int j = 0; j < kBlock / 2; ++j) {
      values[j] = d * static_cast<float>(q[j] & 15) + m;
      values[j + kBlock / 2] = d * static_cast<float>(q[j] >> 4) + m;
    }
  }

  /// d = (max - min) / 15, m = min, q = (x - min) / d rounded half up, with the d before it becomes
  /// an f16.
  static void pack(const float* values, std::byte* target) {
    float low = values[0];
    float high = values[0];
    for (int i = 1; i < kBlock; ++i) {
      low = values[i] < low ? values[i] : low;
      high = values[i] > high ? values[i] : high;
    }
    const float d = (high - low) / 15.0F;
    const float inverse = d != 0 ? 1.0F / d : 0.0F;
    const std::uint16_t head[2] = {f32_to_f16(d), f32_to_f16(low)};
    std::uint8_t q[kBlock / 2];
    for (int j = 0; j < kBlock / 2; ++j) {
      const std::uint32_t first = to_nibble((values[j] - low) * inverse + 0.5F);
      const std::uint32_t second = to_nibble((values[j + kBlock / 2] - low) * inverse + 0.5F);
      q[j] = static_cast<std::uint8_t>(first | (second << 4));
    }
    std::memcpy(target, head, sizeof head);
    std::memcpy(target + sizeof head, q, sizeof q);
  }

 private:
  /// Truncates; what is not a number or out of range ends inside the range.
  static std::uint32_t to_nibble(float value) {
    if (!(value > 0.0F)) return 0;
    return value < 15.0F ? static_cast<std::uint32_t>(value) : 15;
  }
};

}  // namespace pomona::quant
