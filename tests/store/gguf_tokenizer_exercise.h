// Makes a tokeniser of a GGUF file's vocabulary and gives it text; the fuzzer and the replay of its
// corpus share it.
#pragma once
#include <algorithm>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>

#include "base/text.h"
#include "store/gguf.h"
#include "store/gguf_tokenizer.h"
#include "tests/support/exercise.h"
#include "text/detokenizer.h"

namespace pomona::store {

/// True if the bytes hold a vocabulary Pomona accepts, false if an Error says why not. The text to
/// encode has the first tokens in it; whatever comes of it must be well-formed UTF-8.
inline bool exercise_tokenizer(std::span<const std::byte> bytes) {
  return test::ends_well([&] {
    const GgufContents contents = parse_gguf(bytes, "fuzz.gguf");
    const auto tokenizer = read_tokenizer(contents.metadata);
    std::string text =
        "A b\n\n12 caf\u00E9 \u4E2D it's (x) 1234 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa ";
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
