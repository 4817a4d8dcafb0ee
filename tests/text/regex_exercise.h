// Splits a text by a regular expression; the fuzzer and the replay of its corpus share it.
#pragma once
#include <stdexcept>
#include <string_view>

#include "tests/support/exercise.h"
#include "text/regex.h"

namespace pomona::text {

/// True if the pattern is accepted, false if an Error says why not. Matches must lie in the text,
/// none before the one ahead of it.
inline bool exercise_regex(std::string_view pattern) {
  constexpr std::string_view kText =
      "A b\n\n12 caf\u00E9 e\u0301 \u4E2D\uFB01 it's (x) \U0001F350 1234\t don't\r\n  aaaaaaaaaa";
  return test::ends_well([&] {
    const Regex regex(pattern);
    for (const Regex::View view : {Regex::View::characters, Regex::View::byte_letters}) {
      for (std::size_t at = 0; at < kText.size();) {
        const Regex::Match match = regex.find(kText, at, view);
        if (match.begin < at || match.end < match.begin || match.end > kText.size())
          throw std::logic_error("a match outside the text");
        if (match.begin == match.end) break;
        at = match.end;
      }
    }
  });
}

}  // namespace pomona::text
