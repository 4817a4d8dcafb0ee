#include "text/sentencepiece.h"

#include "base/error.h"
#include "base/text.h"
#include "text/bpe.h"
#include "text/unigram.h"

namespace pomona::text {
namespace {

constexpr std::string_view kMark = "\u2581";

std::unique_ptr<WordModel> make_model(const SentencePieceSpec& spec,
                                      const std::shared_ptr<const Vocabulary>& vocabulary) {
  if (spec.scores.size() != vocabulary->size())
    fail(ErrorKind::bad_file, "tokenizer of {}: {} tokens but {} scores", spec.origin,
         vocabulary->size(), spec.scores.size());
  if (!spec.unigram)
    return std::make_unique<BpeModel>(vocabulary, sentencepiece_rules(*vocabulary, spec.scores));
  UnigramRules rules;
  rules.scores.assign(spec.scores.begin(), spec.scores.end());
  rules.unknown = spec.special.unknown;
  rules.byte_fallback = true;
  rules.free_user_defined = true;
  return std::make_unique<UnigramModel>(vocabulary, std::move(rules));
}

}  // namespace

bool SentencePieceSpec::strips_right(TokenId id) const {
  return control_strips_right && id != special.unknown && id != special.bos &&
         tokens[static_cast<std::size_t>(id)] != "<|endoftext|>";
}

void set_sentencepiece_bytes(Vocabulary& vocabulary, bool first_space) {
  for (std::size_t i = 0; i < vocabulary.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    const std::string_view text = vocabulary.text(id);
    const auto byte = byte_of_token(text);
    std::string bytes(text);
    if (vocabulary.kind(id) == TokenKind::byte && byte) {
      bytes = static_cast<char>(*byte);
    } else if (vocabulary.kind(id) == TokenKind::normal) {
      bytes = replace_all(text, kMark, " ");
    } else {
      continue;
    }
    const std::string_view whole = bytes;
    vocabulary.set_bytes(id, whole, whole.substr(first_space && whole.starts_with(' ') ? 1 : 0));
  }
}

std::unique_ptr<Tokenizer> make_tokenizer(const SentencePieceSpec& spec) {
  const auto vocabulary = std::make_shared<Vocabulary>(spec);
  set_sentencepiece_bytes(*vocabulary, spec.space.prefix);
  Composition parts;
  parts.vocabulary = vocabulary;
  parts.model = make_model(spec, vocabulary);
  parts.added = added_by_kind(*vocabulary);
  std::vector<AddedToken> kept;
  for (AddedRule& rule : parts.added) {
    rule.strip_right = spec.strips_right(rule.id);
    if (rule.strip_right || vocabulary->kind(rule.id) != TokenKind::user_defined) continue;
    // SentencePiece looks for these in the normalised text, which has them as they are.
    kept.push_back({vocabulary->text(rule.id), rule.id});
    rule.normalized = true;
    rule.pattern = replace_all(vocabulary->text(rule.id), " ", kMark);
  }
  parts.normalizer.add(sentencepiece_step(
      spec.chars_map, std::make_shared<const AddedTokens>(std::move(kept)), spec.space));
  if (spec.special.add_bos) parts.front.push_back(*spec.special.bos);
  if (spec.special.add_eos) parts.back.push_back(*spec.special.eos);
  return std::make_unique<ComposedTokenizer>(std::move(parts));
}

}  // namespace pomona::text
