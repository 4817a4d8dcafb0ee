#include "text/named_pretokenizer.h"

#include <algorithm>

namespace pomona::text {
namespace {

// The patterns are those of the models' own tokenizer.json or tokeniser program.
constexpr std::string_view kEachNumber = R"(\p{N})";
constexpr std::string_view kNumbersByThree = R"(\p{N}{1,3})";
constexpr std::string_view kHanKana = R"([一-龥぀-ゟ゠-ヿ]+)";
constexpr std::string_view kWordsOfBloom = R"( ?[^(\s|.,!?…。，、।۔،)]+)";
constexpr std::string_view kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen35 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kGpt4o =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kTekken =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kDeepSeekV3 =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kDeepSeekLetters =
    R"(\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-\x{1F7D}ᾀ-ᾴᾶ-ᾼ\x{1FBE}ῂ-ῄῆ-ῌῐ-\x{1FD3}ῖ-\x{1FDB}ῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤ\x{2126}ℨ\x{212A}-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+)";
constexpr std::string_view kDeepSeekMarks = R"(\s?[!-/:-~！-／：-～‘-‟　-。]+)";
constexpr std::string_view kDeepSeekAsia = R"([一-龥ࠀ-一가-퟿]+)";
constexpr std::string_view kBailing =
    R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)";
constexpr std::string_view kSeedCoder =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kAsciiAndPunctuation = R"([\p{P}!-/:-@\[-`{-~]+)";

using Patterns = std::vector<std::string_view>;

std::vector<NamedPretokenizer> make_table() {
  std::vector<NamedPretokenizer> table;
  const auto add = [&](std::initializer_list<std::string_view> names, const Patterns& patterns) {
    for (const std::string_view name : names) table.push_back({name, patterns, {}});
  };
  const auto add_whole_words = [&](std::initializer_list<std::string_view> names,
                                   const Patterns& patterns, bool adds_bos) {
    for (const std::string_view name : names) table.push_back({name, patterns, {}, true, adds_bos});
  };
  add({"gpt-2", "phi-2", "mpt", "olmo", "jais", "trillion", "granite-docling", "exaone4",
       "modern-bert", "gigachat", "a.x-4.0", "mellum", "jina-es", "jina-de", "jina-v2-es",
       "jina-v2-de", "jina-v1-en", "jina-v2-code", "roberta-bpe"},
      {kGpt2Pattern});
  add({"smollm", "starcoder", "refact", "codeshell", "command-r", "exaone", "minerva-7b"},
      {kEachNumber, kGpt2Pattern});
  add_whole_words(
      {"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2"},
      {kLlama3}, true);
  add({"dbrx", "smaug-bpe", "chatglm-bpe"}, {kLlama3});
  add_whole_words({"glm4"}, {kLlama3}, false);
  add({"qwen2", "deepseek-r1-qwen", "stablelm2", "hunyuan", "megrez", "grok-2", "solar-open"},
      {kQwen2});
  add({"qwen35"}, {kQwen35});
  add({"gpt-4o", "llama4", "kanana2"}, {kGpt4o});
  add_whole_words({"tekken"}, {kTekken}, true);
  add({"deepseek-llm"},
      {R"([\r\n])", kDeepSeekLetters, kDeepSeekMarks, R"(\s+$)", kDeepSeekAsia, R"(\p{N}+)"});
  add({"deepseek-coder"},
      {R"([\r\n])", R"(\s?\p{L}+)", R"(\s?\p{P}+)", kDeepSeekAsia, kEachNumber});
  add({"deepseek-v3", "hunyuan-dense"}, {kNumbersByThree, kHanKana, kDeepSeekV3});
  add({"bloom", "poro-chat", "gpt3-finnish"}, {kWordsOfBloom});
  add({"viking"}, {kWordsOfBloom, kEachNumber});
  add({"bailingmoe", "bailingmoe2", "llada-moe"}, {kBailing});
  add({"seed-coder"}, {kSeedCoder});
  // Numbers are looked for in the letters of bytes, so that a cut may lie inside a character.
  table.push_back(
      {"falcon", {kAsciiAndPunctuation, kGpt2Pattern}, {R"(\p{N}+)", "[0-9][0-9][0-9]"}});
  return table;
}

const std::vector<NamedPretokenizer>& table() {
  static const std::vector<NamedPretokenizer> rows = make_table();
  return rows;
}

}  // namespace

const NamedPretokenizer* find_pretokenizer(std::string_view name) {
  for (const NamedPretokenizer& row : table())
    if (row.name == name) return &row;
  return nullptr;
}

const NamedPretokenizer* find_pretokenizer(const std::vector<std::string>& patterns,
                                           const std::vector<std::string>& byte_patterns,
                                           bool whole_words_first) {
  for (const NamedPretokenizer& row : table()) {
    if (row.whole_words_first == whole_words_first &&
        std::equal(row.patterns.begin(), row.patterns.end(), patterns.begin(), patterns.end()) &&
        std::equal(row.byte_patterns.begin(), row.byte_patterns.end(), byte_patterns.begin(),
                   byte_patterns.end()))
      return &row;
  }
  return nullptr;
}

std::vector<std::string> pretokenizer_names() {
  std::vector<std::string> names;
  for (const NamedPretokenizer& row : table()) names.emplace_back(row.name);
  return names;
}

Pretokenizer make_pretokenizer(const NamedPretokenizer& named) {
  Pretokenizer pretokenizer;
  for (const std::string_view pattern : named.patterns) pretokenizer.add_pattern(pattern);
  pretokenizer.add_byte_level(false, false);
  for (const std::string_view pattern : named.byte_patterns) pretokenizer.add_pattern(pattern);
  return pretokenizer;
}

}  // namespace pomona::text
