// The pre-tokenisers that GGUF files name instead of describing them.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "text/pretokenizer.h"

namespace pomona::text {

/// What a name in tokenizer.ggml.pre stands for.
struct NamedPretokenizer {
  std::string_view name;
  std::vector<std::string_view> patterns;       // regular expressions over characters
  std::vector<std::string_view> byte_patterns;  // and then over the letters of bytes
  bool whole_words_first = false;  // a word that is a token stands for it without any merging
  bool adds_bos = false;           // unless the file says otherwise
};

/// The entry of that name ("gpt-2", "smollm", ...), or null.
const NamedPretokenizer* find_pretokenizer(std::string_view name);

/// The entry that splits so, or null; of several names for it the best known.
const NamedPretokenizer* find_pretokenizer(const std::vector<std::string>& patterns,
                                           const std::vector<std::string>& byte_patterns,
                                           bool whole_words_first);

/// The known names, for errors.
std::vector<std::string> pretokenizer_names();

/// Byte-level splitting by the patterns.
Pretokenizer make_pretokenizer(const NamedPretokenizer& named);

}  // namespace pomona::text
