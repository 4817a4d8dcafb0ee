#include "store/gguf_tokenizer.h"

#include <limits>

#include "base/error.h"
#include "base/quote.h"

namespace pomona::store {
namespace {

std::optional<text::TokenId> token_id(const GgufMetadata& metadata, std::string_view key) {
  const auto id = metadata.find_unsigned_integer(key);
  if (!id) return std::nullopt;
  if (*id > static_cast<std::uint64_t>(std::numeric_limits<text::TokenId>::max()))
    fail(ErrorKind::bad_file, "key {} of {}: {} is no token", quote_name(key), metadata.origin(),
         *id);
  return static_cast<text::TokenId>(*id);
}

std::vector<text::TokenKind> token_kinds(const GgufMetadata& metadata) {
  constexpr std::string_view kKey = "tokenizer.ggml.token_type";
  std::vector<text::TokenKind> kinds;
  if (metadata.find(kKey) == nullptr) return kinds;
  for (const std::int64_t number : metadata.integers(kKey)) {
    if (number < 0 || number > 6)
      fail(ErrorKind::bad_file, "key {} of {}: token {} has the unknown type {}", quote_name(kKey),
           metadata.origin(), kinds.size(), number);
    // Type 0 ("undefined") is treated as a normal token.
    kinds.push_back(number == 0 ? text::TokenKind::normal : static_cast<text::TokenKind>(number));
  }
  return kinds;
}

}  // namespace

text::BpeSpec bpe_spec(const GgufMetadata& metadata) {
  text::BpeSpec spec;
  spec.origin = metadata.origin();
  const auto tokens = metadata.strings("tokenizer.ggml.tokens");
  const auto merges = metadata.strings("tokenizer.ggml.merges");
  spec.tokens.assign(tokens.begin(), tokens.end());
  spec.merges.assign(merges.begin(), merges.end());
  spec.kinds = token_kinds(metadata);
  spec.pretokenizer = metadata.string("tokenizer.ggml.pre");
  spec.special.bos = token_id(metadata, "tokenizer.ggml.bos_token_id");
  spec.special.eos = token_id(metadata, "tokenizer.ggml.eos_token_id");
  spec.special.eot = token_id(metadata, "tokenizer.ggml.eot_token_id");
  spec.special.unknown = token_id(metadata, "tokenizer.ggml.unknown_token_id");
  spec.special.padding = token_id(metadata, "tokenizer.ggml.padding_token_id");
  const auto pretokenizer = text::Pretokenizer::find(spec.pretokenizer);
  const bool wants_bos = spec.special.bos && pretokenizer && pretokenizer->adds_bos();
  spec.special.add_bos = metadata.boolean("tokenizer.ggml.add_bos_token", wants_bos);
  spec.special.add_eos = metadata.boolean("tokenizer.ggml.add_eos_token", false);
  return spec;
}

std::unique_ptr<text::Tokenizer> read_tokenizer(const GgufMetadata& metadata) {
  const std::string_view model = metadata.string("tokenizer.ggml.model");
  if (model == "gpt2") return std::make_unique<text::BpeTokenizer>(bpe_spec(metadata));
  fail(ErrorKind::unsupported,
       "tokenizer of {}: vocabularies of the kind {} are not read, only \"gpt2\" (byte-level BPE)",
       metadata.origin(), quote_name(model));
}

std::optional<std::string> read_chat_template(const GgufMetadata& metadata) {
  constexpr std::string_view kKey = "tokenizer.chat_template";
  if (metadata.find(kKey) == nullptr) return std::nullopt;
  return std::string(metadata.string(kKey));
}

}  // namespace pomona::store
