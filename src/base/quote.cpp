#include "base/quote.h"

#include <fmt/format.h>

#include "base/text.h"

namespace pomona {
namespace {

constexpr std::size_t kLongestName = 80;

/// Control characters (C0, DEL, C1), and those that turn the direction of writing around (Unicode
/// Standard Annex 9, section 2): text behind them is not what it looks like.
bool steers(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069);
}

void put_escaped(std::string& out, std::string_view bytes) {
  for (const char byte : bytes) out += fmt::format("\\x{:02X}", static_cast<unsigned char>(byte));
}

/// Appends the front of `text` that `stays` says is harmless as it is and all else escaped.
template <class Stays>
void put_safe(std::string& out, std::string_view text, Stays stays) {
  while (!text.empty()) {
    const auto character = decode_utf8(text);
    const std::size_t length = character ? character->length : 1;
    if (character && stays(character->code_point)) {
      out += text.substr(0, length);
    } else {
      put_escaped(out, text.substr(0, length));
    }
    text.remove_prefix(length);
  }
}

}  // namespace

std::string quote_name(std::string_view name) {
  std::string out = "\"";
  put_safe(out, shortened(name, kLongestName), [](char32_t c) { return !steers(c) && c != '"'; });
  return out + '"';
}

std::string printable(std::string_view text, bool one_line) {
  std::string out;
  out.reserve(text.size());
  put_safe(out, text,
           [&](char32_t c) { return !steers(c) || (!one_line && (c == '\n' || c == '\t')); });
  return out;
}

std::string shortened(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "...";
}

}  // namespace pomona
