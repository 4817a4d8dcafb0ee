#include "text/added_tokens.h"

#include <algorithm>

#include "text/char_set.h"
#include "text/code_points.h"
#include "text/unicode.h"

namespace pomona::text {
namespace {

/// The byte at which the code point in front of byte `at` begins.
std::size_t previous(std::string_view text, std::size_t at) {
  do {
    --at;
  } while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80);
  return at;
}

bool is_word_at(std::string_view text, std::size_t at) {
  static const CharSet word = CharSet::word();
  return word.contains(code_point_at(text, at).value);
}

bool stands_alone(std::string_view text, std::size_t begin, std::size_t end) {
  return (begin == 0 || !is_word_at(text, previous(text, begin))) &&
         (end == text.size() || !is_word_at(text, end));
}

}  // namespace

AddedTokens::AddedTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  std::stable_sort(tokens_.begin(), tokens_.end(),
                   [](const AddedToken& a, const AddedToken& b) { return a.text < b.text; });
  const auto end = std::unique(tokens_.begin(), tokens_.end(),
                               [](const auto& a, const auto& b) { return a.text == b.text; });
  tokens_.erase(end, tokens_.end());
  for (std::uint32_t i = 0; i < tokens_.size(); ++i) {
    Range& range = by_first_byte_[static_cast<unsigned char>(tokens_[i].text[0])];
    if (range.begin == range.end) range.begin = i;
    range.end = i + 1;
  }
}

/// Walks along `text` and keeps the range of tokens that begin as it does. The shortest of them is
/// the first.
const AddedToken* AddedTokens::find_in(Range range, std::string_view text) const {
  const AddedToken* first = tokens_.data() + range.begin;
  const AddedToken* last = tokens_.data() + range.end;
  const AddedToken* best = nullptr;
  for (std::size_t depth = 1;; ++depth) {
    if (first->text.size() == depth) best = first++;
    if (first == last || depth == text.size()) return best;
    const auto byte = [&](const AddedToken& token) {
      return static_cast<unsigned char>(token.text[depth]);
    };
    const auto next = static_cast<unsigned char>(text[depth]);
    first =
        std::partition_point(first, last, [&](const auto& token) { return byte(token) < next; });
    last =
        std::partition_point(first, last, [&](const auto& token) { return byte(token) == next; });
    if (first == last) return best;
  }
}

AddedTokens::Place AddedTokens::next(std::string_view text, std::size_t from) const {
  for (std::size_t at = from; at < text.size();) {
    const AddedToken* token = find(text.substr(at));
    if (token == nullptr) {
      ++at;
      continue;
    }
    std::size_t end = at + token->text.size();
    if (token->single_word && !stands_alone(text, at, end)) {
      at = end;
      continue;
    }
    std::size_t begin = at;
    while (token->strip_left && begin > from) {
      const std::size_t before = previous(text, begin);
      if (before < from || !is_white_space(code_point_at(text, before).value)) break;
      begin = before;
    }
    while (token->strip_right && end < text.size()) {
      const CodePoint behind = code_point_at(text, end);
      if (!is_white_space(behind.value)) break;
      end += behind.length;
    }
    return {token, begin, end};
  }
  return {nullptr, text.size(), text.size()};
}

}  // namespace pomona::text
