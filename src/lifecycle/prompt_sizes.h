// How long the prompts of a method are: the token budget of a run.
#pragma once
#include <cstdint>

#include "lifecycle/stage.h"

namespace pomona::lifecycle {

/// Tokens of a prompt and its answer by which the memory of models is compared.
inline constexpr std::int64_t kUsualTokens = 2048;

struct PromptSizes {
  std::size_t rows = 0;  // of the split
  double mean = 0;       // tokens
  std::int64_t longest = 0;
  std::uint64_t longest_row = 0;  // its number in the file, from 1
  std::int64_t shared = 0;        // tokens at the front that all prompts have in common
};

/// Tokens of the prompts for up to `sample` rows of a split, spread evenly. Without the model's
/// file they are estimated from the characters.
PromptSizes prompt_sizes(Run& run, const Method& method, Split split,
                         std::size_t sample = SIZE_MAX);

}  // namespace pomona::lifecycle
