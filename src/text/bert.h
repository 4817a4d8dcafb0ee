// The tokeniser of BERT (Devlin et al. 2018, arXiv:1810.04805).
#pragma once
#include <memory>

#include "text/composed_tokenizer.h"
#include "text/normalizer.h"
#include "text/vocabulary.h"
#include "text/wordpiece.h"

namespace pomona::text {

struct BertSpec : VocabularySpec {  // BOS and EOS are [CLS] and [SEP]
  WordPieceRules rules;
  BertCleaning cleaning;
};

/// Throws bad_file for a vocabulary that contradicts itself.
std::unique_ptr<Tokenizer> make_tokenizer(const BertSpec& spec);

/// What WordPiece's tokens add to a text: a space in front of those that begin a word. Where
/// `clean_up`, none in front of punctuation and of the ends of English contractions.
void set_wordpiece_bytes(Vocabulary& vocabulary, const WordPieceRules& rules, bool clean_up);

/// `text` without the spaces that tokenisers put in front of ".", "?", "!", ",", "n't", "'m", "'s",
/// "'ve", "'re" and on both sides of "'": clean_up_tokenization_spaces of tokenizer_config.json.
std::string clean_up_spaces(std::string text);

}  // namespace pomona::text
