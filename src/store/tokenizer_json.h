// The tokeniser that the hub's tokenizer.json describes: normaliser, pre-tokeniser, model,
// post-processor, decoder and added tokens, as composed there.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/json_part.h"
#include "text/composed_tokenizer.h"

namespace pomona::store {

/// The texts of the tokens with a role, from the files beside it.
struct TokenRoles {
  std::optional<std::string> bos, eos, unknown, padding;
  std::vector<std::int64_t> ends;  // ids that end generation beside EOS
};

/// Roles of tokens that are not in the vocabulary are left out. `origin` names the file in errors.
/// Throws bad_file; unsupported naming the part that is unknown.
std::unique_ptr<text::Tokenizer> read_tokenizer_json(std::string_view json,
                                                     const std::string& origin,
                                                     const TokenRoles& roles = {});

/// The parts of it. An empty step list where there is none.
text::Normalizer read_normalizer(const std::optional<JsonPart>& part);
text::Pretokenizer read_pretokenizer(const std::optional<JsonPart>& part);

/// Sets what each token adds to a text as the decoder says; without one, tokens are words with a
/// space between. The decoder sees tokens in `rewritten` as that text instead of their own.
void read_decoder(const std::optional<JsonPart>& part,
                  const std::map<text::TokenId, std::string>& rewritten,
                  text::Vocabulary& vocabulary);

/// The ids that the post-processor puts in front of a text and behind it, of a vocabulary with so
/// many tokens.
void read_post_processor(const std::optional<JsonPart>& part, std::size_t tokens,
                         std::vector<text::TokenId>& front, std::vector<text::TokenId>& back);

}  // namespace pomona::store
