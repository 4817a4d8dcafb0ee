// Regular expressions for splitting text, matched in one pass by an automaton made beforehand.
//
// A match is what a backtracking matcher would find (alternatives in order, greedy repeats), by the
// priorities of the threads of a non-deterministic automaton (R. Cox 2010, "Regular Expression
// Matching in the Wild"), made deterministic over classes of code points that no set tells apart.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "text/lazy_pages.h"
#include "text/regex_syntax.h"

namespace pomona::text {

class Regex {
 public:
  /// How a text's bytes are read.
  enum class View {
    characters,    // as UTF-8, which must be well-formed
    byte_letters,  // each as the letter that stands for it (byte_alphabet.h)
  };

  /// Throws unsupported quoting the pattern: see parse_regex(), or where the automaton would be
  /// unreasonably large.
  explicit Regex(std::string_view pattern);
  explicit Regex(const RegexNode& tree);
  Regex(const Regex&) = delete;
  Regex& operator=(const Regex&) = delete;

  struct Match {
    std::size_t begin, end;
  };

  /// The first match that is not empty and begins at byte `from` or later; at the end of `text`
  /// and empty if there is none.
  Match find(std::string_view text, std::size_t from, View view = View::characters) const;

  std::size_t states() const { return table_.size() / stride_; }

 private:
  /// A transition: the row of the next state in table_, 0 for none left, and whether a match ended
  /// in front of the code point.
  using Entry = std::uint32_t;
  static constexpr Entry kMatched = Entry{1} << 31;

  /// The classes of code points: by segment (char_set.h) and category.
  struct Classes {
    std::vector<char32_t> firsts;
    std::vector<std::uint8_t> of;
    std::uint8_t operator()(char32_t code_point) const;
  };

  template <View view>
  std::size_t match_length(std::string_view text) const;
  template <View view>
  Match find_in(std::string_view text, std::size_t from) const;

  std::size_t stride_ = 1;  // entries of a state: one for each class, and one for the end
  std::vector<Entry> table_;
  std::array<std::uint8_t, 128> ascii_ = {};
  std::array<std::uint8_t, 256> letters_ = {};  // the class of each byte's letter
  std::array<bool, 256> starts_ = {};           // classes that a match may begin with
  LazyPages<std::uint8_t, Classes> classes_;

  struct Automaton;
  explicit Regex(Automaton automaton);
};

}  // namespace pomona::text
