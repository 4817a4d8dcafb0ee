#include "text/detokenizer.h"

#include "base/text.h"

namespace pomona::text {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

/// The length of the maximal subpart of an ill-formed sequence at the front of `text`.
std::size_t maximal_subpart(std::string_view text) {
  for (std::size_t length = 3; length > 1; --length) {
    if (length <= text.size() && incomplete_utf8_suffix(text.substr(0, length)) == length)
      return length;
  }
  return 1;
}

}  // namespace

std::string take_well_formed(std::string& bytes, bool last) {
  std::string out;
  std::string_view rest = bytes;
  while (!rest.empty()) {
    if (const auto bad = find_invalid_utf8(rest)) {
      out += rest.substr(0, *bad);
      rest.remove_prefix(*bad);
      if (!last && incomplete_utf8_suffix(rest) == rest.size()) break;
      out += kReplacement;
      rest.remove_prefix(maximal_subpart(rest));
    } else {
      out += rest;
      rest = {};
    }
  }
  bytes.erase(0, bytes.size() - rest.size());
  return out;
}

std::string Detokenizer::push(TokenId id) {
  const std::string_view bytes = first_ ? tokenizer_.first_bytes(id) : tokenizer_.token_bytes(id);
  if (!control_tokens_ && tokenizer_.kind(id) == TokenKind::control) return {};
  first_ = false;
  pending_ += bytes;
  return take_well_formed(pending_, false);
}

std::string Detokenizer::flush() {
  first_ = true;
  return take_well_formed(pending_, true);
}

}  // namespace pomona::text
