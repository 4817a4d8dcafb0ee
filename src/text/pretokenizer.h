// Splits text into the words that a tokeniser's model looks at one by one: a chain of steps as in
// the hub's tokenizer.json, each applied to the pieces of the one before.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "text/regex.h"

namespace pomona::text {

/// A part of a text.
struct Piece {
  std::string_view text;
  bool at_start = false;  // nothing of the text is in front of it
};

/// A reference to something that takes pieces; it must outlive this. A piece's text need only live
/// during the call.
class PieceSink {
 public:
  template <class Take>
    requires(!std::is_same_v<std::remove_cvref_t<Take>, PieceSink>)
  PieceSink(Take& take)  // NOLINT(google-explicit-constructor): a reference, as to a function
      : object_(const_cast<void*>(static_cast<const void*>(&take))),
        call_([](void* object, const Piece& piece) { (*static_cast<Take*>(object))(piece); }) {}
  void operator()(const Piece& piece) const { call_(object_, piece); }

 private:
  void* object_;
  void (*call_)(void*, const Piece&);
};

/// What becomes of the delimiters that a split finds.
enum class Delimiters { removed, isolated, merged_with_previous, merged_with_next, contiguous };

/// Where Metaspace puts a mark in front of a piece that has none.
enum class PrependMark { always, first, never };

class SplitStep {
 public:
  virtual ~SplitStep() = default;
  /// Hands the parts of `piece` to `next`.
  virtual void split(const Piece& piece, PieceSink next) const = 0;
};

class Pretokenizer {
 public:
  /// Splits at the matches of a regular expression; `invert` makes delimiters of what lies between
  /// them instead. Throws unsupported for patterns that regex.h does not know.
  void add_pattern(std::string_view pattern, Delimiters delimiters = Delimiters::isolated,
                   bool invert = false);

  void add_pattern(const RegexNode& tree, Delimiters delimiters, bool invert = false);

  /// As add_pattern, at each occurrence of `text`. Throws unsupported behind add_byte_level.
  void add_literal(std::string_view text, Delimiters delimiters, bool invert = false);

  /// Writes `mark` for each space, puts one in front, and, if `split`, splits before each mark.
  /// Throws unsupported behind add_byte_level.
  void add_metaspace(std::string_view mark, PrependMark prepend, bool split);

  /// From here on words are bytes, which later patterns see as the letters of byte_alphabet.h.
  /// `prefix_space` puts a space in front of pieces without one; `split` uses GPT-2's pattern.
  void add_byte_level(bool prefix_space, bool split);

  void add(std::unique_ptr<SplitStep> step) { steps_.push_back(std::move(step)); }

  bool byte_level() const { return view_ == Regex::View::byte_letters; }

  /// Hands the words of a piece to `sink`.
  void split(const Piece& piece, PieceSink sink) const { run(0, piece, sink); }

 private:
  void run(std::size_t step, const Piece& piece, PieceSink sink) const;
  void refuse_bytes(std::string_view what) const;

  std::vector<std::unique_ptr<SplitStep>> steps_;
  Regex::View view_ = Regex::View::characters;
};

/// The steps of the same names in tokenizer.json: punctuation marks; words and what is neither word
/// nor white space; white space and each punctuation mark.
void add_punctuation(Pretokenizer& pretokenizer, Delimiters delimiters);
void add_words(Pretokenizer& pretokenizer);
void add_bert(Pretokenizer& pretokenizer);

/// GPT-2's pattern.
extern const std::string_view kGpt2Pattern;

}  // namespace pomona::text
