// Makes a tokeniser of a tokenizer.json and gives it text; the fuzzer and the replay of its corpus
// share it.
#pragma once
#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/text.h"
#include "store/tokenizer_json.h"
#include "tests/support/exercise.h"
#include "text/detokenizer.h"

namespace pomona::store {

/// True if Pomona accepts the file, false if an Error says why not. The text to encode has the
/// first tokens in it; whatever comes of it must be well-formed UTF-8.
inline bool exercise_tokenizer_json(std::string_view json) {
  return test::ends_well([&] {
    const auto tokenizer = read_tokenizer_json(json, "fuzz.json");
    std::string text =
        "A b\n\n12 caf\u00E9 \u4E2D\uFB01 it's (x) 1234 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa ";
    for (std::size_t i = 0; i < std::min<std::size_t>(8, tokenizer->vocabulary_size()); ++i)
      text += tokenizer->token_text(static_cast<text::TokenId>(i));
    const std::string well_formed = text::take_well_formed(text, true);
    for (const bool special : {false, true}) {
      const auto ids =
          tokenizer->encode(well_formed, {.add_special = special, .parse_special = special});
      if (find_invalid_utf8(tokenizer->decode(ids, special)))
        throw std::logic_error("a decoded text is not UTF-8");
    }
  });
}

}  // namespace pomona::store
