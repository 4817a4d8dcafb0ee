#include <algorithm>
#include <map>

#include "text/bpe.h"
#include "text/code_points.h"

namespace pomona::text {
namespace {

/// Ranks by falling score; equal scores have the same rank.
std::vector<std::uint32_t> ranks_of(const std::vector<float>& scores) {
  std::vector<float> sorted = scores;
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  std::vector<std::uint32_t> ranks;
  ranks.reserve(scores.size());
  for (const float score : scores) {
    const auto place = std::lower_bound(sorted.begin(), sorted.end(), score, std::greater<>());
    ranks.push_back(static_cast<std::uint32_t>(place - sorted.begin()));
  }
  return ranks;
}

}  // namespace

BpeRules sentencepiece_rules(const Vocabulary& vocabulary, const std::vector<float>& scores) {
  BpeRules rules;
  rules.byte_fallback = true;
  rules.unknown = vocabulary.special().unknown;
  rules.fuse_unknown = true;
  const auto count = static_cast<TokenId>(vocabulary.size());
  const auto made = [&](TokenId id) {
    const TokenKind kind = vocabulary.kind(id);
    return kind == TokenKind::normal || kind == TokenKind::user_defined;
  };
  const auto usable = [&](std::string_view text) -> std::optional<TokenId> {
    const auto id = vocabulary.find(text);
    return id && made(*id) ? id : std::nullopt;
  };
  std::map<std::string_view, TokenId> extra;
  const auto part = [&](std::string_view text) -> std::optional<TokenId> {
    if (const auto id = usable(text)) return id;
    if (code_point_at(text, 0).length != text.size()) return std::nullopt;
    const auto [place, is_new] =
        extra.try_emplace(text, count + static_cast<TokenId>(extra.size()));
    if (is_new) rules.extra_characters.emplace_back(text);
    return place->second;
  };
  const std::vector<std::uint32_t> ranks = ranks_of(scores);
  for (TokenId id = 0; id < count; ++id) {
    const std::string_view text = vocabulary.text(id);
    if (!made(id) || vocabulary.find(text) != id) continue;
    for (std::size_t at = code_point_at(text, 0).length; at < text.size();
         at += code_point_at(text, at).length) {
      const auto left = part(text.substr(0, at));
      const auto right = left ? part(text.substr(at)) : std::nullopt;
      if (left && right)
        rules.merges.push_back({*left, *right, {ranks[static_cast<std::size_t>(id)], id}});
    }
  }
  return rules;
}

}  // namespace pomona::text
