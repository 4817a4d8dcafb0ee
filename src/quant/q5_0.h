// Q5_0 (GGUF type 6): blocks of 32 values in 22 bytes, x = d * (q - 16) with q in 0..31. Layout:
// f16 d at 0, u32 at 2 whose bit i is the fifth bit of value i, 16 bytes at 6 with the other four
// bits: byte j has those of value j in its low half and of value j + 16 in its high half.
#pragma once
#include <cstddef>
#include <cstdint>

#include "quant/bytes.h"
#include "quant/search.h"

namespace pomona::quant {

/// Values j and j + 16, in 0..31, of a block whose high bits and nibbles lie as in Q5_0.
struct FiveBits {
  const std::byte* nibbles;
  std::uint32_t high;

  int low_half(int j) const { return (byte_at(nibbles, j) & 15) | fifth(j); }
  int high_half(int j) const { return (byte_at(nibbles, j) >> 4) | fifth(j + 16); }

 private:
  int fifth(int i) const { return static_cast<int>((high >> i) & 1U) << 4; }
};

/// The inverse of FiveBits: q(i) in 0..31 for each of the 32 values.
template <class Q>
void put_five_bits(std::byte* high_bits, std::byte* nibbles, const Q& q) {
  std::uint32_t high = 0;
  for (int j = 0; j < 16; ++j) {
    const int first = q(j);
    const int second = q(j + 16);
    nibbles[j] = static_cast<std::byte>((first & 15) | (second & 15) << 4);
    high |= static_cast<std::uint32_t>(first >> 4) << j;
    high |= static_cast<std::uint32_t>(second >> 4) << (j + 16);
  }
  std::memcpy(high_bits, &high, sizeof high);
}

struct Q5_0 {
  static constexpr std::int64_t kBlock = 32;
  static constexpr std::int64_t kBytes = 22;

  static void unpack(const std::byte* source, float* values) {
    const float d = f16_at(source);
    const FiveBits q{source + 6, field_at<std::uint32_t>(source, 2)};
    for (int j = 0; j < kBlock / 2; ++j) {
      values[j] = d * static_cast<float>(q.low_half(j) - 16);
      values[j + kBlock / 2] = d * static_cast<float>(q.high_half(j) - 16);
    }
  }

  /// d = -x / 16 of the x with the largest magnitude, q = x / d + 16 rounded half up, with the d
  /// before it becomes an f16.
  static void pack(const float* values, const Importance& importance, std::byte* target) {
    if (importance) return pack_weighted(values, importance, target);
    const float d = largest_of(values, kBlock) / -16.0F;
    const float inverse = inverse_of(d);
    put_f16(target, 0, d);
    put_five_bits(target + 2, target + 6,
                  [&](int i) { return truncated(values[i] * inverse + 16.5F, 31); });
  }

 private:
  static void pack_weighted(const float* values, const Importance& importance, std::byte* target) {
    float weights[kBlock];
    std::uint8_t q[kBlock];
    importance.weigh(values, kBlock, importance.row_mean_square, weights);
    put_f16(target, 0, symmetric_fit(values, weights, kBlock, 16, q));
    put_five_bits(target + 2, target + 6, [&](int i) { return q[i]; });
  }
};

}  // namespace pomona::quant
