// The classes of code points that pre-tokeniser patterns ask for, as one look-up each.
#pragma once
#include <cstdint>

namespace pomona::text {

/// Bits of char_class(). Letter, number, mark, punctuation and symbol are the general categories
/// L, N, M, P and S; space is the property White_Space; newline is CR and LF.
enum CharClass : std::uint8_t {
  kLetter = 1,
  kNumber = 2,
  kSpace = 4,
  kNewline = 8,
  kMark = 16,
  kPunctuation = 32,
  kSymbol = 64,
};

/// The set of classes `code_point` belongs to. Safe to call from several threads; the tables are
/// made page by page at first use.
std::uint8_t char_class(char32_t code_point);

}  // namespace pomona::text
