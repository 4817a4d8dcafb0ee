#include "train/block_codes.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace pomona::train {
namespace {

constexpr int kFraction = 4, kDropped = 23 - kFraction;
constexpr float kTop = 1.9375f;   // the largest code's value: (1 + 15/16) 2^0
constexpr float kLeast = 1e-37f;  // a scale below counts as zero: its inverse would overflow

/// What code e 16 + f stands for, of a format whose exponents reach from 1 - kExponents to 0:
/// (1 + f/16) 2^(e - kExponents), without the 1 for e = 0.
template <int kExponents>
float value_of(int code) {
  const int e = code >> kFraction, f = code & 15;
  const float part = static_cast<float>(f) / 16;
  return (e == 0 ? std::ldexp(part, 1 - kExponents) : std::ldexp(1 + part, e - kExponents)) / kTop;
}

/// The code of 0 <= y <= kTop; `dither` of 2^kDropped parts of a code's width is added before the
/// rest is cut off.
template <int kExponents>
std::uint32_t code_of(float y, std::uint32_t dither) {
  constexpr float kNormal = 1.0f / (1 << (kExponents - 1));
  const std::uint32_t normal =
      ((std::bit_cast<std::uint32_t>(y) + dither) >> kDropped) - ((127u - kExponents) << kFraction);
  const float small = y * (16 / kNormal) + static_cast<float>(dither) * (1.0f / (1 << kDropped));
  return y < kNormal ? static_cast<std::uint32_t>(static_cast<std::int32_t>(small)) : normal;
}

/// A number of kDropped bits, by the finaliser of MurmurHash3.
std::uint32_t noise(std::uint32_t x) {
  x ^= x >> 16;
  x *= 0x85ebca6bu;
  x ^= x >> 13;
  x *= 0xc2b2ae35u;
  x ^= x >> 16;
  return x >> (32 - kDropped);
}

float largest_of(const float* values, std::int64_t n) {
  float largest = 0;
  for (std::int64_t i = 0; i < n; ++i) largest = std::max(largest, std::fabs(values[i]));
  return largest < kLeast ? 0 : largest;
}

}  // namespace

float encode_means(const float* values, std::uint8_t* codes, std::int64_t n) {
  const float scale = largest_of(values, n), inverse = scale > 0 ? kTop / scale : 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const std::uint32_t size = code_of<7>(std::fabs(values[i]) * inverse, 1u << (kDropped - 1));
    const std::uint32_t sign = values[i] < 0 ? 128 : 0;
    codes[i] = static_cast<std::uint8_t>(std::min(size, 127u) | sign);
  }
  return scale;
}

void decode_means(const std::uint8_t* codes, float scale, float* values, std::int64_t n) {
  static const std::array<float, 256> kValues = [] {
    std::array<float, 256> table{};
    for (int code = 0; code < 256; ++code)
      table[static_cast<std::size_t>(code)] = (code < 128 ? 1 : -1) * value_of<7>(code & 127);
    return table;
  }();
  for (std::int64_t i = 0; i < n; ++i) values[i] = kValues[codes[i]] * scale;
}

float encode_squares(const float* values, std::uint8_t* codes, std::int64_t n, std::uint32_t key) {
  const float scale = largest_of(values, n), inverse = scale > 0 ? kTop / scale : 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const float y = values[i] * inverse;
    const std::uint32_t code = code_of<15>(y, noise(key + static_cast<std::uint32_t>(i)));
    codes[i] = static_cast<std::uint8_t>(std::clamp(code, y > 0 ? 1u : 0u, 255u));
  }
  return scale;
}

void decode_squares(const std::uint8_t* codes, float scale, float* values, std::int64_t n) {
  static const std::array<float, 256> kValues = [] {
    std::array<float, 256> table{};
    for (int code = 0; code < 256; ++code)
      table[static_cast<std::size_t>(code)] = value_of<15>(code);
    return table;
  }();
  for (std::int64_t i = 0; i < n; ++i) values[i] = kValues[codes[i]] * scale;
}

}  // namespace pomona::train
