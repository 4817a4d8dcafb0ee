#include "store/gguf_tokenizer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/quote.h"
#include "convert/tokenizers.h"
#include "store/hub_folder.h"
#include "store/json_part.h"
#include "store/tokenizer_file.h"
#include "text/named_pretokenizer.h"

namespace pomona::convert {
namespace {

namespace fs = std::filesystem;
using store::JsonPart;
using text::TokenId;
using text::TokenKind;

constexpr std::string_view kKey = "tokenizer.ggml.";

/// A pre-tokeniser as GGUF's names stand for them: patterns, then bytes become letters, and
/// patterns again.
struct Splits {
  std::vector<std::string> patterns, byte_patterns;
  bool byte_level = false;
  bool other = false;  // it has a step that no name stands for
};

void read_split(const JsonPart& part, Splits& splits) {
  std::vector<std::string>& patterns = splits.byte_level ? splits.byte_patterns : splits.patterns;
  const std::string type = part.string("type");
  if (type == "Sequence") {
    for (const JsonPart& step : part.at("pretokenizers").elements()) read_split(step, splits);
  } else if (type == "ByteLevel") {
    splits.other = splits.other || part.boolean("add_prefix_space", true) || splits.byte_level;
    if (part.boolean("use_regex", true)) patterns.emplace_back(text::kGpt2Pattern);
    splits.byte_level = true;
  } else if (type == "Digits") {
    patterns.emplace_back(part.boolean("individual_digits", false) ? R"(\p{N})" : R"(\p{N}+)");
  } else if (type == "Split" && part.at("pattern").find("Regex") &&
             part.string("behavior") == "Isolated" && !part.boolean("invert", false)) {
    patterns.push_back(part.at("pattern").string("Regex"));
  } else if (type == "Punctuation" && part.find("behavior") &&
             part.string("behavior") == "Contiguous") {
    patterns.emplace_back(R"([\p{P}!-/:-@\[-`{-~]+)");
  } else {
    splits.other = true;
  }
}

Splits splits_of(const JsonPart& root) {
  Splits splits;
  if (const auto part = root.find("pre_tokenizer")) read_split(*part, splits);
  return splits;
}

/// Whether a text begins with a mark that is not its own.
bool prepends_mark(const JsonPart& part) {
  const std::string type = part.string("type");
  if (type == "Prepend") return true;
  if (type == "Metaspace")
    return part.find("prepend_scheme") ? part.string("prepend_scheme") != "never"
                                       : part.boolean("add_prefix_space", true);
  if (type != "Sequence") return false;
  for (const char* member : {"normalizers", "pretokenizers"}) {
    if (!part.find(member)) continue;
    for (const JsonPart& step : part.at(member).elements())
      if (prepends_mark(step)) return true;
  }
  return false;
}

/// SentencePiece merges by the score of what is made: the earlier a token is made, the higher.
std::vector<float> scores_of(const store::TokenizerFile& file, const text::Tokenizer& tokenizer,
                             std::size_t rows) {
  const auto last = -static_cast<float>(file.merges.size() + 1);
  std::vector<float> scores(rows, last);
  for (std::size_t rank = file.merges.size(); rank-- > 0;) {
    const auto& [left, right] = file.merges[rank];
    std::string whole(left);
    whole.append(right);
    if (const auto id = tokenizer.find(whole))
      scores[static_cast<std::size_t>(*id)] = -static_cast<float>(rank);
  }
  return scores;
}

void write_sentencepiece(const store::TokenizerFile& file, const JsonPart& root,
                         const text::Tokenizer& tokenizer, std::size_t rows, GgufKeys& keys) {
  const auto prepends = [&](const char* part) {
    return root.find(part) && prepends_mark(root.at(part));
  };
  keys.text(std::string(kKey) + "model", "llama");
  keys.text(std::string(kKey) + "pre", "default");
  keys.reals(std::string(kKey) + "scores", scores_of(file, tokenizer, rows));
  keys.set(std::string(kKey) + "add_space_prefix",
           prepends("normalizer") || prepends("pre_tokenizer"));
}

void write_byte_level(const store::TokenizerFile& file, const JsonPart& root, const Splits& splits,
                      GgufKeys& keys) {
  const text::NamedPretokenizer* const named =
      splits.other ? nullptr
                   : text::find_pretokenizer(splits.patterns, splits.byte_patterns,
                                             root.at("model").boolean("ignore_merges", false));
  if (named == nullptr)
    fail(ErrorKind::unsupported,
         "convert: tokenizer {}: GGUF has no name for a pre_tokenizer with the patterns {}",
         file.origin, quote_name(fmt::format("{}", fmt::join(splits.patterns, "  "))));
  keys.text(std::string(kKey) + "model", "gpt2");
  keys.text(std::string(kKey) + "pre", std::string(named->name));
  std::vector<std::string> merges;
  merges.reserve(file.merges.size());
  for (const auto& [left, right] : file.merges) {
    merges.emplace_back(left).append(" ").append(right);
  }
  keys.texts(std::string(kKey) + "merges", std::move(merges));
}

/// All tokens, and as many more as the embedding has rows, since readers count on one for each.
void write_tokens(const text::Tokenizer& tokenizer, std::size_t rows, bool byte_level,
                  GgufKeys& keys) {
  std::vector<std::string> tokens;
  std::vector<std::int32_t> kinds;
  for (std::size_t i = 0; i < rows; ++i) {
    const bool known = i < tokenizer.vocabulary_size();
    const std::string_view text = known ? tokenizer.token_text(static_cast<TokenId>(i)) : "";
    TokenKind kind = known ? tokenizer.kind(static_cast<TokenId>(i)) : TokenKind::unused;
    if (text.empty()) kind = TokenKind::unused;
    if (static_cast<TokenId>(i) == tokenizer.special().unknown && !byte_level)
      kind = TokenKind::unknown;
    tokens.push_back(text.empty() ? fmt::format("[PAD{}]", i) : std::string(text));
    kinds.push_back(static_cast<std::int32_t>(kind));
  }
  keys.texts(std::string(kKey) + "tokens", std::move(tokens));
  keys.integers(std::string(kKey) + "token_type", std::move(kinds));
}

void write_roles(const text::Tokenizer& tokenizer, GgufKeys& keys) {
  const text::SpecialTokens& special = tokenizer.special();
  const auto put = [&](const char* key, std::optional<TokenId> id) {
    if (id) keys.count(std::string(kKey) + key, *id);
  };
  put("bos_token_id", special.bos);
  put("eos_token_id", special.eos);
  put("unknown_token_id", special.unknown);
  put("padding_token_id", special.padding);
  keys.set(std::string(kKey) + "add_bos_token", special.add_bos);
  keys.set(std::string(kKey) + "add_eos_token", special.add_eos);
}

/// A token that ends generation though readers would not know it by its role or name. GGUF has a
/// place for one.
void write_end(const text::Tokenizer& tokenizer, const std::string& origin, GgufKeys& keys) {
  const auto known = store::read_tokenizer(keys.metadata(origin));
  std::optional<TokenId> end;
  for (TokenId id = 0; id < static_cast<TokenId>(tokenizer.vocabulary_size()); ++id) {
    if (!tokenizer.ends_generation(id) || known->ends_generation(id)) continue;
    if (end)
      fail(ErrorKind::unsupported,
           "convert: tokenizer {}: {} and {} both end a text (eos_token_id), and GGUF has a place "
           "for one such token",
           origin, quote_name(tokenizer.token_text(*end)), quote_name(tokenizer.token_text(id)));
    end = id;
  }
  if (end) keys.count(std::string(kKey) + "eot_token_id", *end);
}

}  // namespace

Beginnings write_gguf_tokenizer(const fs::path& folder, const model::ModelText& text,
                                std::int64_t rows, GgufKeys& keys) {
  const fs::path path = folder / store::kTokenizerFile;
  const std::string json = read_file(path);
  const store::TokenizerFile file = store::parse_tokenizer_file(json, path.string());
  const JsonPart root(file.rest, "tokenizer " + file.origin);
  const Splits splits = splits_of(root);
  const JsonPart model = root.at("model");
  const auto count = static_cast<std::size_t>(rows);
  if (text.tokenizer->vocabulary_size() > count)
    fail(ErrorKind::unsupported,
         "convert: tokenizer {}: it has {} tokens and the embedding {} rows; GGUF has one for each",
         file.origin, text.tokenizer->vocabulary_size(), rows);
  if (!file.has_merges) model.unsupported("only BPE vocabularies are converted to GGUF");
  if (splits.byte_level) {
    write_byte_level(file, root, splits, keys);
  } else if (model.boolean("byte_fallback", false)) {
    write_sentencepiece(file, root, *text.tokenizer, count, keys);
  } else {
    model.unsupported("BPE over characters that has no tokens for bytes is not converted to GGUF");
  }
  write_tokens(*text.tokenizer, count, splits.byte_level, keys);
  write_roles(*text.tokenizer, keys);
  write_end(*text.tokenizer, file.origin, keys);
  if (text.chat_template) keys.text("tokenizer.chat_template", *text.chat_template);
  const auto splitter = root.find("pre_tokenizer");
  const bool metaspace = !splits.byte_level && splitter && prepends_mark(*splitter);
  return metaspace ? Beginnings::metaspace : Beginnings::same;
}

}  // namespace pomona::convert
