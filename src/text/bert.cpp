#include "text/bert.h"

#include <array>

#include "base/text.h"

namespace pomona::text {

std::string clean_up_spaces(std::string text) {
  using Pair = std::array<std::string_view, 2>;
  constexpr std::array<Pair, 10> kPairs = {{{" .", "."},
                                            {" ?", "?"},
                                            {" !", "!"},
                                            {" ,", ","},
                                            {" ' ", "'"},
                                            {" n't", "n't"},
                                            {" 'm", "'m"},
                                            {" 's", "'s"},
                                            {" 've", "'ve"},
                                            {" 're", "'re"}}};
  for (const auto& [from, to] : kPairs) text = replace_all(text, from, to);
  return text;
}

void set_wordpiece_bytes(Vocabulary& vocabulary, const WordPieceRules& rules, bool clean_up) {
  const auto cleaned = [&](std::string text) {
    return clean_up ? clean_up_spaces(std::move(text)) : text;
  };
  for (std::size_t i = 0; i < vocabulary.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    std::string_view text = vocabulary.text(id);
    const bool marked = !rules.begin_prefix.empty();  // tokens say where a word begins
    const std::string_view prefix = marked ? rules.begin_prefix : rules.continue_prefix;
    const bool has_prefix = !prefix.empty() && text.starts_with(prefix);
    const bool added = vocabulary.kind(id) != TokenKind::normal;
    const bool begins = has_prefix == marked || added;
    const std::string_view bare = has_prefix ? text.substr(prefix.size()) : text;
    const std::string first = cleaned(std::string(marked ? bare : text));
    std::string general(begins ? 1 : 0, ' ');
    general += bare;
    vocabulary.set_bytes(id, cleaned(std::move(general)), first);
  }
}

std::unique_ptr<Tokenizer> make_tokenizer(const BertSpec& spec) {
  const auto vocabulary = std::make_shared<Vocabulary>(spec);
  set_wordpiece_bytes(*vocabulary, spec.rules, true);
  Composition parts;
  parts.vocabulary = vocabulary;
  parts.normalizer.add(bert_step(spec.cleaning));
  add_bert(parts.pretokenizer);
  parts.model = std::make_unique<WordPieceModel>(vocabulary, spec.rules);
  parts.added = added_by_kind(*vocabulary);
  if (spec.special.add_bos) parts.front.push_back(*spec.special.bos);
  if (spec.special.add_eos) parts.back.push_back(*spec.special.eos);
  return std::make_unique<ComposedTokenizer>(std::move(parts));
}

}  // namespace pomona::text
