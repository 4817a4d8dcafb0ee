// Splits text into the words that byte-level BPE merges within.
//
// The patterns in use are few, so each is a small matcher over character classes instead of a
// regular expression: an order of magnitude faster, no limit on backtracking to guard, and Unicode
// tables of our choice. Every pattern stands as a comment above its matcher.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pomona::text {

/// A sequence of splits, each applied to the pieces of the one before.
class Pretokenizer {
 public:
  /// Splits one piece, appending its parts to `parts`. The parts together are the piece.
  using Split = void (*)(std::string_view piece, std::vector<std::string_view>& parts);

  /// The pre-tokeniser with this name as GGUF files give it in tokenizer.ggml.pre ("gpt-2",
  /// "smollm", ...), or nullopt.
  static std::optional<Pretokenizer> find(std::string_view name);

  /// The known names, for errors.
  static std::vector<std::string> names();

  /// Replaces the contents of `words` by the words of `text`, which together are `text`. `text`
  /// must be well-formed UTF-8.
  void split(std::string_view text, std::vector<std::string_view>& words) const;

  /// Whether a word that is itself a token stands for that token without any merging.
  bool whole_words_first() const { return whole_words_first_; }

  /// Whether vocabularies with this pre-tokeniser want BOS in front unless their file says
  /// otherwise.
  bool adds_bos() const { return adds_bos_; }

 private:
  Pretokenizer(std::vector<Split> splits, bool whole_words_first, bool adds_bos)
      : splits_(std::move(splits)), whole_words_first_(whole_words_first), adds_bos_(adds_bos) {}

  std::vector<Split> splits_;
  bool whole_words_first_;
  bool adds_bos_;
};

}  // namespace pomona::text
