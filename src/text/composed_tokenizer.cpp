#include "text/composed_tokenizer.h"

#include "base/error.h"
#include "base/text.h"

namespace pomona::text {

std::vector<AddedRule> added_by_kind(const Vocabulary& vocabulary) {
  std::vector<AddedRule> rules;
  for (std::size_t i = 0; i < vocabulary.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    const TokenKind kind = vocabulary.kind(id);
    const bool added =
        kind == TokenKind::control || kind == TokenKind::unknown || kind == TokenKind::user_defined;
    if (added && !vocabulary.text(id).empty()) rules.push_back({id});
  }
  return rules;
}

ComposedTokenizer::ComposedTokenizer(Composition composition)
    : vocabulary_(std::move(composition.vocabulary)),
      normalizer_(std::move(composition.normalizer)),
      pretokenizer_(std::move(composition.pretokenizer)),
      model_(std::move(composition.model)),
      front_(std::move(composition.front)),
      back_(std::move(composition.back)),
      plain_(make_reading(composition.added, false)),
      with_control_(make_reading(composition.added, true)) {
  if (auto cuts = model_->safe_cuts()) pretokenizer_.add(std::move(cuts));
}

ComposedTokenizer::Reading ComposedTokenizer::make_reading(const std::vector<AddedRule>& rules,
                                                           bool control) {
  std::vector<AddedToken> raw, normalized;
  for (const AddedRule& rule : rules) {
    if (!control && vocabulary_->kind(rule.id) != TokenKind::user_defined) continue;
    std::string_view text = vocabulary_->text(rule.id);
    if (rule.normalized && (!rule.pattern.empty() || !normalizer_.empty())) {
      std::string rewritten(rule.pattern.empty() ? text : rule.pattern);
      if (rule.pattern.empty()) normalizer_.apply(rewritten);
      text = normalized_texts_.keep(rewritten);
    }
    if (text.empty()) continue;
    if (text.size() > AddedTokens::kLongest)
      fail(ErrorKind::unsupported,
           "tokenizer of {}: token {} stands in text and has {} bytes, more than {}",
           vocabulary_->origin(), rule.id, text.size(), AddedTokens::kLongest);
    (rule.normalized ? normalized : raw)
        .push_back({text, rule.id, rule.single_word, rule.strip_left, rule.strip_right});
  }
  return {AddedTokens(std::move(raw)), AddedTokens(std::move(normalized))};
}

/// One encoding: the parts of the text on their way to tokens.
class ComposedTokenizer::Run {
 public:
  Run(const ComposedTokenizer& tokenizer, const Reading& reading, WordCache* cache,
      std::vector<TokenId>& ids)
      : tokenizer_(tokenizer), reading_(reading), cache_(cache), ids_(ids) {}

  void text(std::string_view text) {
    sections(text, reading_.raw, [&](std::string_view part, bool at_start) {
      if (tokenizer_.normalizer_.empty()) return normalized(part, at_start);
      std::string rewritten(part);
      tokenizer_.normalizer_.apply(rewritten);
      normalized(rewritten, at_start);
    });
  }

 private:
  /// Hands the parts between the added tokens to `visit`, and takes these.
  template <class Visit>
  void sections(std::string_view text, const AddedTokens& added, Visit visit) {
    if (added.empty() && !text.empty()) return visit(text, true);
    for (std::size_t at = 0; at < text.size();) {
      const AddedTokens::Place place = added.next(text, at);
      if (at < place.begin) visit(text.substr(at, place.begin - at), at == 0);
      if (place.token != nullptr) ids_.push_back(place.token->id);
      at = place.end;
    }
  }

  void normalized(std::string_view text, bool at_start) {
    sections(text, reading_.normalized, [&](std::string_view part, bool at_part_start) {
      const auto take = [&](const Piece& piece) { word(piece.text); };
      tokenizer_.pretokenizer_.split(Piece{part, at_start && at_part_start}, take);
    });
  }

  void word(std::string_view word) {
    if (word.empty() || (cache_ != nullptr && cache_->find(word, ids_))) return;
    const std::size_t before = ids_.size();
    tokenizer_.model_->encode(word, ids_);
    if (cache_ != nullptr) cache_->add(word, std::span(ids_).subspan(before));
  }

  const ComposedTokenizer& tokenizer_;
  const Reading& reading_;
  WordCache* cache_;
  std::vector<TokenId>& ids_;
};

std::vector<TokenId> ComposedTokenizer::encode(std::string_view text, EncodeOptions options) const {
  if (const auto bad = find_invalid_utf8(text))
    fail(ErrorKind::bad_argument, "tokenize: the text is not valid UTF-8 at byte {}", *bad);
  // One caller at a time uses the cache; others work without it rather than wait.
  const std::unique_lock lock(cache_mutex_, std::try_to_lock);
  if (lock.owns_lock() && cache_ == nullptr) cache_ = std::make_unique<WordCache>();
  WordCache* cache = lock.owns_lock() ? cache_.get() : nullptr;

  std::vector<TokenId> ids;
  ids.reserve(text.size() / 3 + 2);
  if (options.add_special) ids = front_;
  Run(*this, options.parse_special ? with_control_ : plain_, cache, ids).text(text);
  if (options.add_special) ids.insert(ids.end(), back_.begin(), back_.end());
  return ids;
}

}  // namespace pomona::text
