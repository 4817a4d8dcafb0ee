#include "text/byte_alphabet.h"

#include <array>

#include "base/text.h"

namespace pomona::text {
namespace {

constexpr bool is_visible(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr char32_t kLastLetter = 0x143;  // U+0100 and the 67 other bytes' letters behind it

struct Alphabet {
  std::array<char32_t, 256> letters = {};
  std::array<std::int16_t, kLastLetter + 1> bytes = {};
};

constexpr Alphabet make_alphabet() {
  Alphabet alphabet;
  alphabet.bytes.fill(-1);
  char32_t next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    const char32_t letter = is_visible(byte) ? static_cast<char32_t>(byte) : next++;
    alphabet.letters[static_cast<std::size_t>(byte)] = letter;
    alphabet.bytes[letter] = static_cast<std::int16_t>(byte);
  }
  return alphabet;
}

constexpr Alphabet kAlphabet = make_alphabet();

}  // namespace

char32_t letter_of_byte(unsigned char byte) { return kAlphabet.letters[byte]; }

std::optional<std::string> bytes_of_letters(std::string_view token) {
  std::string bytes;
  for (std::size_t at = 0; at < token.size();) {
    const auto letter = decode_utf8(token.substr(at));
    if (!letter || letter->code_point > kLastLetter || kAlphabet.bytes[letter->code_point] < 0)
      return std::nullopt;
    bytes.push_back(static_cast<char>(kAlphabet.bytes[letter->code_point]));
    at += letter->length;
  }
  return bytes;
}

}  // namespace pomona::text
