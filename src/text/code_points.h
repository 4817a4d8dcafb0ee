// Code points of text that is known to be well-formed, without checking it again.
#pragma once
#include <cstddef>
#include <string_view>

namespace pomona::text {

struct CodePoint {
  char32_t value;
  std::size_t length;  // in bytes
};

/// The code point at byte `at`, which is inside `text`. Of ill-formed text, U+FFFD and one byte.
inline CodePoint code_point_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const auto low = [&](std::size_t i) { return static_cast<char32_t>(byte(i) & 0x3F); };
  const char32_t first = byte(0);
  const std::size_t left = text.size() - at;
  if (first < 0x80) return {first, 1};
  if (first >= 0xC2 && first < 0xE0 && left >= 2) return {(first & 0x1F) << 6 | low(1), 2};
  if (first >= 0xE0 && first < 0xF0 && left >= 3)
    return {(first & 0x0F) << 12 | low(1) << 6 | low(2), 3};
  if (first >= 0xF0 && first < 0xF5 && left >= 4)
    return {(first & 0x07) << 18 | low(1) << 12 | low(2) << 6 | low(3), 4};
  return {0xFFFD, 1};
}

}  // namespace pomona::text
