#include <algorithm>
#include <functional>

#include "base/error.h"
#include "base/quote.h"
#include "base/text.h"
#include "convert/tokenizers.h"
#include "store/gguf_tokenizer.h"
#include "text/bpe.h"
#include "text/named_pretokenizer.h"

namespace pomona::convert {
namespace {

using text::TokenId;
using text::Tokenizer;
using text::TokenKind;

constexpr std::string_view kMark = "\u2581";

/// A text as JSON has it. (The long lists of a vocabulary are written as text: Json searches the
/// keys of an object one by one.)
std::string json_text(std::string_view text) { return Json(text).dump(); }

/// The rows that converters to GGUF add so that there is a token for each row of the embedding.
bool is_padding(const Tokenizer& tokenizer, TokenId id) {
  return tokenizer.kind(id) == TokenKind::unused &&
         tokenizer.token_text(id) == fmt::format("[PAD{}]", id);
}

std::string vocabulary_of(const Tokenizer& tokenizer, const std::string& origin) {
  std::string list;
  for (TokenId id = 0; id < static_cast<TokenId>(tokenizer.vocabulary_size()); ++id) {
    const std::string_view text = tokenizer.token_text(id);
    if (is_padding(tokenizer, id) || tokenizer.find(text) != id) continue;
    if (find_invalid_utf8(text))
      fail(ErrorKind::unsupported, "convert: tokenizer of {}: token {} is not UTF-8, as JSON is",
           origin, id);
    if (!list.empty()) list += ",\n";
    list.append("      ").append(json_text(text)).append(": ").append(std::to_string(id));
  }
  return list;
}

using Pair = std::pair<std::string_view, std::string_view>;

std::string merges_of(const std::vector<Pair>& merges) {
  std::string list;
  for (const auto& [left, right] : merges) {
    if (!list.empty()) list += ",\n";
    list.append("      [")
        .append(json_text(left))
        .append(", ")
        .append(json_text(right))
        .append("]");
  }
  return list;
}

/// The added tokens: all that stand in text as themselves.
Json added_tokens(const Tokenizer& tokenizer, bool in_normalized,
                  const std::function<bool(TokenId)>& strips_right) {
  Json added = Json::array();
  for (TokenId id = 0; id < static_cast<TokenId>(tokenizer.vocabulary_size()); ++id) {
    const TokenKind kind = tokenizer.kind(id);
    const bool user = kind == TokenKind::user_defined;
    if (!user && kind != TokenKind::control && kind != TokenKind::unknown) continue;
    const std::string text(tokenizer.token_text(id));
    if (text.empty() || tokenizer.find(text) != id) continue;
    added.push_back({{"id", id},
                     {"content", text},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", strips_right(id)},
                     {"normalized", user && in_normalized},
                     {"special", !user}});
  }
  return added;
}

/// What stands around a text; null for nothing.
Json post_processor(const Tokenizer& tokenizer) {
  const text::SpecialTokens& special = tokenizer.special();
  Json single = Json::array(), pair = Json::array(), tokens = Json::object();
  const auto add = [&](std::optional<TokenId> id) {
    const std::string text(tokenizer.token_text(*id));
    for (Json* list : {&single, &pair})
      list->push_back({{"SpecialToken", {{"id", text}, {"type_id", 0}}}});
    tokens[text] = {{"id", text}, {"ids", {*id}}, {"tokens", {text}}};
  };
  if (!special.add_bos && !special.add_eos) return nullptr;
  if (special.add_bos) add(special.bos);
  const Json a = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
  single.push_back(a);
  pair.push_back(a);
  pair.push_back({{"Sequence", {{"id", "B"}, {"type_id", 0}}}});
  if (special.add_eos) add(special.eos);
  return {{"type", "TemplateProcessing"},
          {"single", single},
          {"pair", pair},
          {"special_tokens", tokens}};
}

Json sequence(std::string_view member, Json steps) {
  if (steps.empty()) return nullptr;
  if (steps.size() == 1) return steps.front();
  return {{"type", "Sequence"}, {std::string(member), std::move(steps)}};
}

Json split_at(std::string_view pattern) {
  return {{"type", "Split"},
          {"pattern", {{"Regex", std::string(pattern)}}},
          {"behavior", "Isolated"},
          {"invert", false}};
}

Json byte_level(bool splits) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", false},
          {"trim_offsets", true},
          {"use_regex", splits}};
}

Json pre_tokenizer(const text::NamedPretokenizer& named) {
  Json steps = Json::array();
  const bool splits = !named.patterns.empty() && named.patterns.back() == text::kGpt2Pattern;
  for (std::size_t i = 0; i + (splits ? 1 : 0) < named.patterns.size(); ++i)
    steps.push_back(split_at(named.patterns[i]));
  steps.push_back(byte_level(splits));
  for (const std::string_view pattern : named.byte_patterns) steps.push_back(split_at(pattern));
  return sequence("pretokenizers", std::move(steps));
}

/// GGUF does not say that Qwen's tokenisers compose characters first, but its readers are to know
/// the models by the name.
Json byte_level_normalizer(std::string_view name) {
  const bool qwen = name == "qwen2" || name == "qwen35" || name == "deepseek-r1-qwen";
  return qwen ? Json({{"type", "NFC"}}) : Json();
}

/// The parts of tokenizer.json but for the lists of the model.
struct Parts {
  Json added, normalizer, pre_tokenizer, post_processor, decoder, model;
  std::vector<Pair> merges;
};

std::string written(const Parts& parts, const std::string& vocabulary) {
  std::string file = "{\n";
  const auto put = [&](std::string_view key, const Json& value) {
    file.append("  ").append(json_text(key)).append(": ").append(value.dump()).append(",\n");
  };
  put("version", "1.0");
  put("truncation", nullptr);
  put("padding", nullptr);
  put("added_tokens", parts.added);
  put("normalizer", parts.normalizer);
  put("pre_tokenizer", parts.pre_tokenizer);
  put("post_processor", parts.post_processor);
  put("decoder", parts.decoder);
  file += "  \"model\": {\n";
  for (const auto& [key, value] : parts.model.items())
    file.append("    ").append(json_text(key)).append(": ").append(value.dump()).append(",\n");
  file.append("    \"vocab\": {\n").append(vocabulary).append("\n    },\n");
  file.append("    \"merges\": [\n").append(merges_of(parts.merges)).append("\n    ]\n  }\n}\n");
  return file;
}

Json bpe_model(const Json& unknown, bool byte_fallback, bool ignore_merges) {
  return {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", unknown},
          {"continuing_subword_prefix", nullptr},
          {"end_of_word_suffix", nullptr},
          {"fuse_unk", byte_fallback},
          {"byte_fallback", byte_fallback},
          {"ignore_merges", ignore_merges}};
}

Parts byte_level_parts(const store::GgufMetadata& metadata, const Tokenizer& tokenizer) {
  const text::BpeSpec spec = store::bpe_spec(metadata);
  const text::NamedPretokenizer& named = *text::find_pretokenizer(spec.pretokenizer);
  Parts parts;
  parts.added = added_tokens(tokenizer, false, [](TokenId) { return false; });
  parts.normalizer = byte_level_normalizer(spec.pretokenizer);
  parts.pre_tokenizer = pre_tokenizer(named);
  parts.decoder = byte_level(true);
  parts.model = bpe_model(nullptr, false, named.whole_words_first);
  for (const std::string_view line : spec.merges) {
    const std::size_t space = line.find(' ', 1);  // the tokeniser has checked that there is one
    parts.merges.emplace_back(line.substr(0, space), line.substr(space + 1));
  }
  return parts;
}

/// SentencePiece merges by the score of what is made: in its order, each way to cut a token in two
/// of the vocabulary.
std::vector<Pair> sentencepiece_merges(const text::SentencePieceSpec& spec) {
  const text::Vocabulary vocabulary(spec);
  text::BpeRules rules = text::sentencepiece_rules(vocabulary, spec.scores);
  std::stable_sort(
      rules.merges.begin(), rules.merges.end(),
      [](const text::BpeMerge& a, const text::BpeMerge& b) { return a.merge.rank < b.merge.rank; });
  const auto count = static_cast<TokenId>(vocabulary.size());
  std::vector<Pair> merges;
  for (const text::BpeMerge& merge : rules.merges) {
    if (merge.left >= count || merge.right >= count) continue;  // characters without a token
    const std::string_view whole = spec.tokens[static_cast<std::size_t>(merge.merge.token)];
    const std::size_t cut = vocabulary.text(merge.left).size();
    merges.emplace_back(whole.substr(0, cut), whole.substr(cut));
  }
  return merges;
}

Parts sentencepiece_parts(const store::GgufMetadata& metadata, const Tokenizer& tokenizer) {
  const text::SentencePieceSpec spec = store::sentencepiece_spec(metadata, false);
  if (spec.chars_map || spec.space.merge_spaces)
    fail(ErrorKind::unsupported,
         "convert: tokenizer of {}: a SentencePiece vocabulary that rewrites texts is not "
         "converted",
         metadata.origin());
  const Json space = {
      {"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", std::string(kMark)}};
  const Json mark = {
      {"type", "Replace"}, {"pattern", {{"String", std::string(kMark)}}}, {"content", " "}};
  Json normalizers = Json::array();
  Json decoders = {mark, {{"type", "ByteFallback"}}, {{"type", "Fuse"}}};
  if (spec.space.prefix) {
    normalizers.push_back({{"type", "Prepend"}, {"prepend", std::string(kMark)}});
    decoders.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  }
  normalizers.push_back(space);
  const auto& unknown = tokenizer.special().unknown;
  Parts parts;
  parts.added = added_tokens(tokenizer, !spec.space.prefix,
                             [&](TokenId id) { return spec.strips_right(id); });
  parts.normalizer = sequence("normalizers", normalizers);
  parts.decoder = sequence("decoders", decoders);
  parts.model = bpe_model(unknown ? Json(tokenizer.token_text(*unknown)) : Json(), true, false);
  parts.merges = sentencepiece_merges(spec);
  return parts;
}

Json config_of(const Tokenizer& tokenizer, std::int64_t context) {
  const text::SpecialTokens& special = tokenizer.special();
  Json config = {{"tokenizer_class", "PreTrainedTokenizerFast"},
                 {"model_max_length", context},
                 {"clean_up_tokenization_spaces", false},
                 {"add_bos_token", special.add_bos},
                 {"add_eos_token", special.add_eos}};
  const auto put = [&](const char* key, std::optional<TokenId> id) {
    if (id) config[key] = tokenizer.token_text(*id);
  };
  put("bos_token", special.bos);
  put("eos_token", special.eos);
  put("unk_token", special.unknown);
  put("pad_token", special.padding);
  return config;
}

Json generation_of(const Tokenizer& tokenizer) {
  const text::SpecialTokens& special = tokenizer.special();
  Json generation = Json::object();
  Json ends = Json::array();
  if (special.eos) ends.push_back(*special.eos);
  for (TokenId id = 0; id < static_cast<TokenId>(tokenizer.vocabulary_size()); ++id)
    if (tokenizer.ends_generation(id) && id != special.eos) ends.push_back(id);
  if (special.bos) generation["bos_token_id"] = *special.bos;
  if (!ends.empty()) generation["eos_token_id"] = ends.size() == 1 ? ends.front() : ends;
  if (special.padding) generation["pad_token_id"] = *special.padding;
  return generation;
}

}  // namespace

HubTokenizerFiles hub_tokenizer(const store::GgufMetadata& metadata, const model::ModelText& text,
                                std::int64_t context) {
  const Tokenizer& tokenizer = *text.tokenizer;
  const std::string_view kind = metadata.string("tokenizer.ggml.model");
  if (kind != "gpt2" && kind != "llama")
    fail(ErrorKind::unsupported,
         "convert: tokenizer of {}: the kind {} is not converted, only \"gpt2\" and \"llama\"",
         metadata.origin(), quote_name(kind));
  Parts parts = kind == "gpt2" ? byte_level_parts(metadata, tokenizer)
                               : sentencepiece_parts(metadata, tokenizer);
  parts.post_processor = post_processor(tokenizer);
  return {.tokenizer = written(parts, vocabulary_of(tokenizer, metadata.origin())),
          .config = config_of(tokenizer, context),
          .generation = generation_of(tokenizer),
          .chat_template = text.chat_template};
}

}  // namespace pomona::convert
