// The tokeniser of byte-level BPE vocabularies in GGUF files.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/vocabulary.h"

namespace pomona::text {

/// A byte-level BPE vocabulary. The views need only live during make_tokenizer().
struct BpeSpec : VocabularySpec {        // tokens are in GPT-2's alphabet of visible characters
  std::vector<std::string_view> merges;  // "left right", most frequent first
  std::string pretokenizer;              // a name that find_pretokenizer() knows
};

/// A byte that has no token of its own is left out of texts, as the reference does. Throws bad_file
/// for a vocabulary that contradicts itself, unsupported for an unknown pre-tokeniser.
std::unique_ptr<Tokenizer> make_tokenizer(const BpeSpec& spec);

}  // namespace pomona::text
