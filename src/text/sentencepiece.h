// The tokenisers of vocabularies that SentencePiece made (Kudo and Richardson 2018,
// arXiv:1808.06226), as GGUF files keep them.
#pragma once
#include <memory>
#include <string_view>
#include <vector>

#include "text/chars_map.h"
#include "text/composed_tokenizer.h"
#include "text/vocabulary.h"

namespace pomona::text {

struct SentencePieceSpec : VocabularySpec {
  std::vector<float> scores;
  SpaceRules space;
  bool unigram = false;  // otherwise byte-pair encoding
  std::shared_ptr<const CharsMap> chars_map;
  /// Control tokens take the space behind them along.
  bool control_strips_right = false;
  /// Whether a token that stands in text as itself takes the space behind it along.
  bool strips_right(TokenId id) const;
};

/// Throws bad_file for a vocabulary that contradicts itself.
std::unique_ptr<Tokenizer> make_tokenizer(const SentencePieceSpec& spec);

/// What tokens in which U+2581 stands for a space add to a text, and <0x..> tokens; `first_space`
/// says whether the text's first space is nobody's. Added tokens are their own text.
void set_sentencepiece_bytes(Vocabulary& vocabulary, bool first_space);

}  // namespace pomona::text
