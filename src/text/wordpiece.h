// WordPiece (Schuster and Nakajima 2012; as BERT uses it: Devlin et al. 2018, arXiv:1810.04805):
// from the front of a word, always the longest token. And the simplest model of all: a word is a
// token.
#pragma once
#include <memory>
#include <string_view>
#include <vector>

#include "text/byte_trie.h"
#include "text/vocabulary.h"
#include "text/word_model.h"

namespace pomona::text {

/// How tokens that begin a word differ from those that go on with one.
struct WordPieceRules {
  std::string begin_prefix;         // stands in front of tokens that begin a word
  std::string continue_prefix;      // stands in front of those that do not
  TokenId unknown = 0;              // for words that tokens do not make up
  std::size_t most_characters = 0;  // longer words are unknown; 0: no such limit
};

/// Control tokens are never made.
class WordPieceModel : public WordModel {
 public:
  WordPieceModel(std::shared_ptr<const Vocabulary> vocabulary, WordPieceRules rules);
  void encode(std::string_view word, std::vector<TokenId>& ids) const override;

 private:
  std::shared_ptr<const Vocabulary> vocabulary_;
  WordPieceRules rules_;
  ByteTrie begin_, continue_;
};

/// Control tokens are never made.
class WordLevelModel : public WordModel {
 public:
  WordLevelModel(std::shared_ptr<const Vocabulary> vocabulary, std::optional<TokenId> unknown)
      : vocabulary_(std::move(vocabulary)), unknown_(unknown) {}
  /// Throws bad_argument for an unknown word where there is no token for such.
  void encode(std::string_view word, std::vector<TokenId>& ids) const override;

 private:
  std::shared_ptr<const Vocabulary> vocabulary_;
  std::optional<TokenId> unknown_;
};

}  // namespace pomona::text
