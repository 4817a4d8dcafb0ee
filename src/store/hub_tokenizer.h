// The tokeniser of a model folder as the hub has them: tokenizer.json and the files beside it.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "text/tokenizer.h"

namespace pomona::store {

struct HubTokenizer {
  std::unique_ptr<text::Tokenizer> tokenizer;
  std::optional<std::string> chat_template;
  /// clean_up_tokenization_spaces of tokenizer_config.json: callers that want the reference's
  /// decode() for other models than BPE apply text::clean_up_spaces() to a whole text.
  bool clean_up_spaces = false;
};

/// Tokens with a role come from tokenizer_config.json or special_tokens_map.json; what ends
/// generation also from generation_config.json. Whether BOS and EOS are added says tokenizer.json's
/// post_processor alone, as in transformers 5. The chat template is chat_template.jinja or
/// that of tokenizer_config.json. Throws not_found, io, bad_file, or unsupported naming the part.
HubTokenizer read_hub_tokenizer(const std::filesystem::path& folder);

}  // namespace pomona::store
