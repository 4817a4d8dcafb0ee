// The syntax tree of the regular expressions that tokenisers split with.
#pragma once
#include <string_view>
#include <vector>

#include "text/char_set.h"

namespace pomona::text {

struct RegexNode {
  enum class Kind {
    set,       // one code point of `set`
    sequence,  // all parts, one after the other
    choice,    // the first part that leads to a match
    repeat,    // the only part, `least` to `most` times
    look,      // nothing, where the next code point is in `set` (the end never is), or not
  };
  static constexpr int kUnbounded = -1;

  Kind kind = Kind::sequence;
  CharSet set;
  bool negative = false;  // look: not in `set`
  bool lazy = false;      // repeat: as few as possible
  int least = 0;
  int most = kUnbounded;
  std::vector<RegexNode> parts;
};

RegexNode set_node(CharSet set);
RegexNode repeat_node(RegexNode part, int least, int most);

/// Reads a pattern in the syntax of Oniguruma (doc/RE), as far as one code point of look-ahead
/// decides: literals, classes with && and nesting, \s \d \w \p{..}, groups, (?i), greedy, lazy and
/// possessive repeats, (?=x) and (?!x) of one code point, $. Throws unsupported quoting the pattern
/// for all else.
RegexNode parse_regex(std::string_view pattern);

}  // namespace pomona::text
