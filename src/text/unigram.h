// The unigram language model over pieces (Kudo 2018, arXiv:1804.10959): of all ways to cut a word
// into tokens, the one whose scores have the greatest sum.
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "text/byte_trie.h"
#include "text/vocabulary.h"
#include "text/word_model.h"

namespace pomona::text {

struct UnigramRules {
  std::vector<double> scores;      // log probabilities, one for each token
  bool free_user_defined = false;  // user-defined tokens cost nothing, whatever their score
  std::optional<TokenId> unknown;
  bool byte_fallback = false;  // unknown characters become <0x..> tokens
};

class UnigramModel : public WordModel {
 public:
  /// Control, unknown and unused tokens and those of bytes are never made of text. Throws bad_file
  /// where the scores are not as many as the tokens.
  UnigramModel(std::shared_ptr<const Vocabulary> vocabulary, UnigramRules rules);

  /// Neighbouring unknown characters become one unknown token. Throws bad_argument if there is
  /// none.
  void encode(std::string_view word, std::vector<TokenId>& ids) const override;
  std::unique_ptr<SplitStep> safe_cuts() const override;

 private:
  void add_unknown(std::string_view text, std::vector<TokenId>& ids) const;

  std::shared_ptr<const Vocabulary> vocabulary_;
  UnigramRules rules_;
  ByteTrie tokens_;
  std::vector<TokenId> fallback_;  // the tokens of bytes, or empty
  double unknown_score_ = 0;
};

}  // namespace pomona::text
