#include "text/added_tokens.h"

#include <algorithm>

namespace pomona::text {

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

}  // namespace pomona::text
