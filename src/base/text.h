// Small helpers for text: splitting, UTF-8, suggestions, numbers as people read them.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pomona {

/// `text` without ASCII white space at both ends.
std::string_view trim(std::string_view text);

/// The parts of `text` between `separator`s; always at least one part.
std::vector<std::string_view> split(std::string_view text, char separator);

/// `text` without the byte-order mark that some programs put in front of UTF-8.
std::string_view without_byte_order_mark(std::string_view text);

/// `text` with every `from` replaced by `to`; an empty `from` changes nothing.
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

/// One decoded code point and the number of bytes it took.
struct Utf8Char {
  char32_t code_point;
  std::size_t length;
};

/// Decodes the character at the front of `text`; nullopt if `text` is empty or does not start with
/// well-formed UTF-8 (Unicode 15, table 3-7: no overlong forms, no surrogates).
std::optional<Utf8Char> decode_utf8(std::string_view text);

/// Appends the UTF-8 form of `code_point` to `out`.
void append_utf8(std::string& out, char32_t code_point);

/// Byte offset of the first ill-formed sequence, or nullopt if all of `text` is well-formed.
std::optional<std::size_t> find_invalid_utf8(std::string_view text);

/// Throws bad_argument, `WHAT is not valid UTF-8 at byte N`, if it is not.
void check_utf8(std::string_view text, std::string_view what);

/// The number of bytes at the end of `text` that start a sequence which more bytes could complete
/// (0-3).
std::size_t incomplete_utf8_suffix(std::string_view text);

/// The candidate nearest to `word` by edit distance, or nullopt if none is near enough to suggest.
std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates);

/// "92.8 MB": decimal units, three digits.
std::string human_bytes(std::uint64_t bytes);

/// "850 ms", "4.2 s", "3 min 05 s", "2 h 10 min".
std::string human_duration(double seconds);

}  // namespace pomona
