#include <array>

#include "base/error.h"
#include "base/quote.h"
#include "store/tokenizer_json.h"
#include "text/chars_map.h"

namespace pomona::store {
namespace {

std::string decode_base64(const JsonPart& part) {
  const std::string text = part.as_string();
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    std::uint32_t value = 0;
    if (c == '=') break;
    if (c >= 'A' && c <= 'Z') {
      value = static_cast<std::uint32_t>(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
      value = static_cast<std::uint32_t>(c - 'a') + 26;
    } else if (c >= '0' && c <= '9') {
      value = static_cast<std::uint32_t>(c - '0') + 52;
    } else if (c == '+' || c == '/') {
      value = c == '+' ? 62 : 63;
    } else {
      part.refuse("it is not base64");
    }
    bits = bits << 6 | value;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xFF);
  }
  return bytes;
}

/// Calls build() so that errors of patterns and the like name the part.
template <class Build>
auto in_part(const JsonPart& part, Build build) {
  try {
    return build();
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::unsupported) part.unsupported(error.what());
    part.refuse(error.what());
  }
}

[[noreturn]] void unknown_type(const JsonPart& part, std::string_view what) {
  part.unsupported(
      fmt::format("{} of the type {} is not supported", what, quote_name(part.string("type"))));
}

text::Normalizer::Step replace_step(const JsonPart& part) {
  const JsonPart pattern = part.at("pattern");
  const std::string content = part.string("content");
  if (pattern.find("String")) return text::replace_step(pattern.string("String"), content);
  const std::string regex = pattern.string("Regex");
  return in_part(part, [&] { return text::replace_pattern_step(regex, content); });
}

text::Normalizer::Step bert_step(const JsonPart& part) {
  text::BertCleaning cleaning;
  cleaning.clean = part.boolean("clean_text", true);
  cleaning.space_chinese = part.boolean("handle_chinese_chars", true);
  cleaning.lowercase = part.boolean("lowercase", true);
  cleaning.strip_accents = part.boolean("strip_accents", cleaning.lowercase);
  return text::bert_step(cleaning);
}

text::Normalizer::Step normalizer_step(const JsonPart& part, const std::string& type) {
  using text::NormalForm;
  if (type == "NFC") return text::normal_form_step(NormalForm::nfc);
  if (type == "NFD") return text::normal_form_step(NormalForm::nfd);
  if (type == "NFKC") return text::normal_form_step(NormalForm::nfkc);
  if (type == "NFKD") return text::normal_form_step(NormalForm::nfkd);
  if (type == "Lowercase") return text::lowercase_step();
  if (type == "Strip")
    return text::strip_step(part.boolean("strip_left", true), part.boolean("strip_right", true));
  if (type == "StripAccents") return text::strip_accents_step();
  if (type == "Replace") return replace_step(part);
  if (type == "Prepend") return text::prepend_step(part.string("prepend"));
  if (type == "Nmt") return text::nmt_step();
  if (type == "BertNormalizer") return bert_step(part);
  if (type == "ByteLevel") return text::byte_letters_step();
  if (type == "Precompiled") {
    const JsonPart map = part.at("precompiled_charsmap");
    return in_part(map, [&] {
      return text::precompiled_step(std::make_shared<const text::CharsMap>(decode_base64(map)));
    });
  }
  unknown_type(part, "a normalizer");
}

void add_normalizers(const JsonPart& part, text::Normalizer& normalizer) {
  const std::string type = part.string("type");
  if (type != "Sequence") return normalizer.add(normalizer_step(part, type));
  for (const JsonPart& step : part.at("normalizers").elements()) add_normalizers(step, normalizer);
}

text::Delimiters read_delimiters(const JsonPart& part, std::string_view key) {
  using text::Delimiters;
  const std::string name = part.string(key);
  if (name == "Removed") return Delimiters::removed;
  if (name == "Isolated") return Delimiters::isolated;
  if (name == "MergedWithPrevious") return Delimiters::merged_with_previous;
  if (name == "MergedWithNext") return Delimiters::merged_with_next;
  if (name == "Contiguous") return Delimiters::contiguous;
  part.unsupported(fmt::format("the behavior {} is not supported", quote_name(name)));
}

void add_split(const JsonPart& part, text::Pretokenizer& pretokenizer) {
  const JsonPart pattern = part.at("pattern");
  const text::Delimiters delimiters = read_delimiters(part, "behavior");
  const bool invert = part.boolean("invert", false);
  const bool literal = pattern.find("String").has_value();
  const std::string text = pattern.string(literal ? "String" : "Regex");
  in_part(part, [&] {
    literal ? pretokenizer.add_literal(text, delimiters, invert)
            : pretokenizer.add_pattern(text, delimiters, invert);
  });
}

void add_metaspace(const JsonPart& part, text::Pretokenizer& pretokenizer) {
  using text::PrependMark;
  const bool adds = part.boolean("add_prefix_space", true);  // before there were schemes
  std::string scheme = adds ? "always" : "never";
  if (part.find("prepend_scheme")) scheme = part.string("prepend_scheme");
  if (scheme != "always" && scheme != "first" && scheme != "never")
    part.unsupported(fmt::format("the prepend_scheme {} is not supported", quote_name(scheme)));
  const PrependMark prepend = scheme == "always"  ? PrependMark::always
                              : scheme == "first" ? PrependMark::first
                                                  : PrependMark::never;
  const std::string mark = part.string("replacement");
  const bool split = part.boolean("split", true);
  in_part(part, [&] { pretokenizer.add_metaspace(mark, prepend, split); });
}

void add_pretokenizer(const JsonPart& part, text::Pretokenizer& pretokenizer) {
  using text::Delimiters;
  const std::string type = part.string("type");
  if (type == "Sequence") {
    for (const JsonPart& step : part.at("pretokenizers").elements())
      add_pretokenizer(step, pretokenizer);
  } else if (type == "ByteLevel") {
    const bool prefix_space = part.boolean("add_prefix_space", true);
    const bool split = part.boolean("use_regex", true);
    in_part(part, [&] { pretokenizer.add_byte_level(prefix_space, split); });
  } else if (type == "Split") {
    add_split(part, pretokenizer);
  } else if (type == "Metaspace") {
    add_metaspace(part, pretokenizer);
  } else if (type == "Digits") {
    pretokenizer.add_pattern(part.boolean("individual_digits", false) ? R"(\p{N})" : R"(\p{N}+)");
  } else if (type == "Whitespace") {
    text::add_words(pretokenizer);
  } else if (type == "WhitespaceSplit") {
    pretokenizer.add_pattern(R"(\s)", Delimiters::removed);
  } else if (type == "Punctuation") {
    const bool has_behavior = part.find("behavior").has_value();
    text::add_punctuation(pretokenizer,
                          has_behavior ? read_delimiters(part, "behavior") : Delimiters::isolated);
  } else if (type == "BertPreTokenizer") {
    text::add_bert(pretokenizer);
  } else if (type == "CharDelimiterSplit") {
    const std::string delimiter = part.string("delimiter");
    in_part(part, [&] { pretokenizer.add_literal(delimiter, Delimiters::removed); });
  } else {
    unknown_type(part, "a pre_tokenizer");
  }
}

}  // namespace

text::Normalizer read_normalizer(const std::optional<JsonPart>& part) {
  text::Normalizer normalizer;
  if (part) add_normalizers(*part, normalizer);
  return normalizer;
}

text::Pretokenizer read_pretokenizer(const std::optional<JsonPart>& part) {
  text::Pretokenizer pretokenizer;
  if (part) add_pretokenizer(*part, pretokenizer);
  return pretokenizer;
}

}  // namespace pomona::store
