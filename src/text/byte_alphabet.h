// GPT-2's alphabet: a visible character for each of the 256 bytes, so that vocabularies are text
// (Radford et al. 2019, the published encoder.json).
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace pomona::text {

/// The character for a byte: printable Latin-1 bytes stand for themselves, the others for
/// U+0100, U+0101, ... in order.
char32_t letter_of_byte(unsigned char byte);

/// The bytes that a token in this alphabet stands for, or nullopt if it has other characters.
std::optional<std::string> bytes_of_letters(std::string_view token);

}  // namespace pomona::text
