// Rewrites a text by a precompiled character map; the fuzzer and the replay of its corpus share it.
#pragma once
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/text.h"
#include "tests/support/exercise.h"
#include "text/chars_map.h"

namespace pomona::text {

/// True if the map is accepted, false if an Error says why not. Whatever it makes of a text must be
/// well-formed UTF-8.
inline bool exercise_chars_map(std::string_view blob) {
  return test::ends_well([&] {
    const auto map = std::make_shared<const CharsMap>(blob);
    for (const auto& step : {precompiled_step(map),
                             sentencepiece_step(map, std::make_shared<const AddedTokens>(), {})}) {
      std::string text = "ab  \u00E9e\u0301 \uFB01\u4E2D\uFF21 \U0001F350 aa abc";
      step(text);
      if (find_invalid_utf8(text)) throw std::logic_error("a text that is not UTF-8");
    }
  });
}

}  // namespace pomona::text
