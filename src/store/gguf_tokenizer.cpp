#include "store/gguf_tokenizer.h"

#include <limits>

#include "base/error.h"
#include "base/quote.h"
#include "text/bert.h"
#include "text/named_pretokenizer.h"

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

/// What all kinds of vocabularies have.
void read_vocabulary(const GgufMetadata& metadata, text::VocabularySpec& spec) {
  spec.origin = metadata.origin();
  const auto tokens = metadata.strings("tokenizer.ggml.tokens");
  spec.tokens.assign(tokens.begin(), tokens.end());
  spec.kinds = token_kinds(metadata);
  spec.special.bos = token_id(metadata, "tokenizer.ggml.bos_token_id");
  spec.special.eos = token_id(metadata, "tokenizer.ggml.eos_token_id");
  spec.special.eot = token_id(metadata, "tokenizer.ggml.eot_token_id");
  spec.special.unknown = token_id(metadata, "tokenizer.ggml.unknown_token_id");
  spec.special.padding = token_id(metadata, "tokenizer.ggml.padding_token_id");
}

/// Whether BOS and EOS are added; unless the file says so, as `bos` and `eos` where there are such
/// tokens.
void read_additions(const GgufMetadata& metadata, bool bos, bool eos,
                    text::SpecialTokens& special) {
  special.add_bos =
      metadata.boolean("tokenizer.ggml.add_bos_token", bos && special.bos.has_value());
  special.add_eos =
      metadata.boolean("tokenizer.ggml.add_eos_token", eos && special.eos.has_value());
}

std::shared_ptr<const text::CharsMap> read_chars_map(const GgufMetadata& metadata) {
  constexpr std::string_view kKey = "tokenizer.ggml.precompiled_charsmap";
  if (metadata.find(kKey) == nullptr) return nullptr;
  std::string blob;
  for (const std::int64_t byte : metadata.integers(kKey)) blob += static_cast<char>(byte & 0xFF);
  if (blob.empty()) return nullptr;
  return std::make_shared<const text::CharsMap>(blob);
}

/// The id of `key`, or `fallback` where the vocabulary has so many tokens.
std::optional<text::TokenId> or_default(std::optional<text::TokenId> id, std::size_t tokens,
                                        text::TokenId fallback) {
  if (id || static_cast<std::size_t>(fallback) >= tokens) return id;
  return fallback;
}

text::BertSpec bert_spec(const GgufMetadata& metadata) {
  text::BertSpec spec;
  read_vocabulary(metadata, spec);
  const std::size_t count = spec.tokens.size();
  text::SpecialTokens& special = spec.special;
  if (const auto cls = token_id(metadata, "tokenizer.ggml.cls_token_id")) special.bos = cls;
  special.bos = or_default(special.bos, count, 101);
  special.eos = token_id(metadata, "tokenizer.ggml.seperator_token_id");  // so it is spelt
  special.eos = or_default(special.eos, count, 102);
  special.unknown = or_default(special.unknown, count, 100);
  special.padding = or_default(special.padding, count, 0);
  special.add_bos = metadata.boolean("tokenizer.ggml.add_bos_token", special.bos.has_value());
  special.add_eos = metadata.boolean("tokenizer.ggml.add_sep_token", special.eos.has_value());
  if (!special.unknown)
    fail(ErrorKind::bad_file, "tokenizer of {}: it has no token for the unknown", spec.origin);
  spec.rules.begin_prefix = "\u2581";
  spec.rules.unknown = *special.unknown;
  spec.cleaning.lowercase = metadata.boolean("tokenizer.ggml.normalizer.lowercase", true);
  spec.cleaning.strip_accents =
      metadata.boolean("tokenizer.ggml.normalizer.strip_accents", spec.cleaning.lowercase);
  return spec;
}

}  // namespace

text::BpeSpec bpe_spec(const GgufMetadata& metadata) {
  text::BpeSpec spec;
  read_vocabulary(metadata, spec);
  const auto merges = metadata.strings("tokenizer.ggml.merges");
  spec.merges.assign(merges.begin(), merges.end());
  spec.pretokenizer = metadata.string("tokenizer.ggml.pre");
  const text::NamedPretokenizer* named = text::find_pretokenizer(spec.pretokenizer);
  read_additions(metadata, named != nullptr && named->adds_bos, false, spec.special);
  return spec;
}

text::SentencePieceSpec sentencepiece_spec(const GgufMetadata& metadata, bool unigram) {
  text::SentencePieceSpec spec;
  read_vocabulary(metadata, spec);
  spec.unigram = unigram;
  spec.scores = metadata.reals("tokenizer.ggml.scores");
  spec.chars_map = read_chars_map(metadata);
  const std::size_t count = spec.tokens.size();
  if (unigram) {
    spec.special.eos = or_default(spec.special.eos, count, 1);
    spec.special.unknown = or_default(spec.special.unknown, count, 2);
  } else {
    spec.special.bos = or_default(spec.special.bos, count, 1);
    spec.special.eos = or_default(spec.special.eos, count, 2);
    spec.special.unknown = or_default(spec.special.unknown, count, 0);
    spec.control_strips_right = metadata.string("general.architecture", "") == "phi3";
  }
  read_additions(metadata, !unigram, unigram, spec.special);
  spec.space.prefix = metadata.boolean("tokenizer.ggml.add_space_prefix", true);
  spec.space.merge_spaces = metadata.boolean("tokenizer.ggml.remove_extra_whitespaces", unigram);
  return spec;
}

std::unique_ptr<text::Tokenizer> read_tokenizer(const GgufMetadata& metadata) {
  const std::string_view model = metadata.string("tokenizer.ggml.model");
  if (model == "gpt2") return text::make_tokenizer(bpe_spec(metadata));
  if (model == "llama") return text::make_tokenizer(sentencepiece_spec(metadata, false));
  if (model == "t5") return text::make_tokenizer(sentencepiece_spec(metadata, true));
  if (model == "bert") return text::make_tokenizer(bert_spec(metadata));
  fail(ErrorKind::unsupported,
       "tokenizer of {}: vocabularies of the kind {} are not read, only \"gpt2\" (byte-level BPE), "
       "\"llama\" and \"t5\" (SentencePiece), and \"bert\" (WordPiece)",
       metadata.origin(), quote_name(model));
}

std::optional<std::string> read_chat_template(const GgufMetadata& metadata) {
  constexpr std::string_view kKey = "tokenizer.chat_template";
  if (metadata.find(kKey) == nullptr) return std::nullopt;
  return std::string(metadata.string(kKey));
}

}  // namespace pomona::store
