// A tokeniser put together from its parts, as the hub's tokenizer.json describes them.
#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "text/added_tokens.h"
#include "text/normalizer.h"
#include "text/pretokenizer.h"
#include "text/vocabulary.h"
#include "text/word_cache.h"
#include "text/word_model.h"

namespace pomona::text {

/// A token that stands in text as itself; its text is that of the vocabulary.
struct AddedRule {
  TokenId id;
  bool single_word = false;
  bool strip_left = false;
  bool strip_right = false;
  bool normalized = false;   // looked for in the normalised text
  std::string pattern = {};  // as this text, or if empty as what the normaliser makes of its own
};

struct Composition {
  std::shared_ptr<const Vocabulary> vocabulary;
  Normalizer normalizer;
  Pretokenizer pretokenizer;
  std::unique_ptr<WordModel> model;
  std::vector<AddedRule> added;
  std::vector<TokenId> front, back;  // what EncodeOptions::add_special puts around a text
};

/// The rules of all tokens that are control, unknown or user-defined, taken from the text as it is.
std::vector<AddedRule> added_by_kind(const Vocabulary& vocabulary);

class ComposedTokenizer : public Tokenizer {
 public:
  /// Throws unsupported for added tokens longer than AddedTokens::kLongest.
  explicit ComposedTokenizer(Composition composition);

  std::vector<TokenId> encode(std::string_view text, EncodeOptions options = {}) const override;
  std::size_t vocabulary_size() const override { return vocabulary_->size(); }
  std::string_view token_bytes(TokenId id) const override { return vocabulary_->bytes(id); }
  std::string_view first_bytes(TokenId id) const override { return vocabulary_->first_bytes(id); }
  std::string_view token_text(TokenId id) const override { return vocabulary_->text(id); }
  TokenKind kind(TokenId id) const override { return vocabulary_->kind(id); }
  std::optional<TokenId> find(std::string_view text) const override {
    return vocabulary_->find(text);
  }
  const SpecialTokens& special() const override { return vocabulary_->special(); }
  bool ends_generation(TokenId id) const override { return vocabulary_->ends_generation(id); }

 private:
  /// The added tokens of one reading of the text: with control tokens or without.
  struct Reading {
    AddedTokens raw, normalized;
  };
  class Run;

  Reading make_reading(const std::vector<AddedRule>& rules, bool control);

  std::shared_ptr<const Vocabulary> vocabulary_;
  Normalizer normalizer_;
  Pretokenizer pretokenizer_;
  std::unique_ptr<WordModel> model_;
  std::vector<TokenId> front_, back_;
  StringArena normalized_texts_;
  Reading plain_, with_control_;
  mutable std::mutex cache_mutex_;
  mutable std::unique_ptr<WordCache> cache_;
};

}  // namespace pomona::text
