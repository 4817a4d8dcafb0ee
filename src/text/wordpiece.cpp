#include "text/wordpiece.h"

#include <algorithm>

#include "base/error.h"
#include "base/quote.h"

namespace pomona::text {
namespace {

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

}  // namespace

WordPieceModel::WordPieceModel(std::shared_ptr<const Vocabulary> vocabulary, WordPieceRules rules)
    : vocabulary_(std::move(vocabulary)), rules_(std::move(rules)) {
  const auto add = [](ByteTrie& trie, std::string_view text, std::string_view prefix, TokenId id) {
    if (text.size() > prefix.size() && text.starts_with(prefix))
      trie.add(text.substr(prefix.size()), id);
  };
  for (std::size_t i = 0; i < vocabulary_->size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    if (!vocabulary_->in_model(id) || vocabulary_->kind(id) == TokenKind::control) continue;
    add(begin_, vocabulary_->text(id), rules_.begin_prefix, id);
    add(continue_, vocabulary_->text(id), rules_.continue_prefix, id);
  }
}

void WordPieceModel::encode(std::string_view word, std::vector<TokenId>& ids) const {
  const std::size_t before = ids.size();
  const auto give_up = [&] {
    ids.resize(before);
    ids.push_back(rules_.unknown);
  };
  if (rules_.most_characters != 0 && count_characters(word) > rules_.most_characters)
    return give_up();
  for (std::size_t at = 0; at < word.size();) {
    const ByteTrie& trie = at == 0 ? begin_ : continue_;
    std::size_t longest = at;
    TokenId token = rules_.unknown;
    std::uint32_t node = ByteTrie::kRoot;
    for (std::size_t end = at; end < word.size();) {
      node = trie.step(node, word[end++]);
      if (node == ByteTrie::kNowhere) break;
      if (trie.value(node) < 0) continue;
      longest = end;
      token = trie.value(node);
    }
    if (longest == at) return give_up();
    ids.push_back(token);
    at = longest;
  }
}

void WordLevelModel::encode(std::string_view word, std::vector<TokenId>& ids) const {
  auto id = vocabulary_->find_in_model(word);
  if (id && vocabulary_->kind(*id) == TokenKind::control) id.reset();
  if (!id && !unknown_)
    fail(ErrorKind::bad_argument,
         "tokenize: {} is not in the vocabulary of {}, which has no token for the unknown",
         quote_name(word), vocabulary_->origin());
  ids.push_back(id ? *id : *unknown_);
}

}  // namespace pomona::text
