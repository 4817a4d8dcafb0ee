// Choosing the next token: greedy, or by temperature, top-k, top-p (Holtzman et al. 2020,
// arXiv:1904.09751) and min-p (Nguyen et al. 2024, arXiv:2407.01082), after what changes logits:
// bias, repetition penalty (Keskar et al. 2019, arXiv:1909.05858), presence and frequency penalties
// (as in OpenAI's interface).
#pragma once
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "tensor/context.h"

namespace pomona::decode {

struct SamplingOptions {
  double temperature = 0;         // below 1e-6: greedy
  std::int64_t top_k = 0;         // 0: all
  double top_p = 1;               // 1: all
  double min_p = 0;               // 0: all; share of the best token's probability
  double repetition_penalty = 1;  // 1: none; logits of tokens of prompt and answer are divided
                                  // (positive) or multiplied (negative) by it
  double presence_penalty = 0;    // taken from logits of tokens that are in the answer
  double frequency_penalty = 0;   // the same, once for each time
  std::vector<std::pair<std::int32_t, double>> logit_bias = {};  // added to a token's logit
  std::uint64_t seed = 0;

  /// Throws bad_argument naming the option and its range, or a token outside a vocabulary of V.
  void check(std::int64_t V) const;
};

/// Changes one row of logits by bias, then repetition, frequency and presence penalties. `tokens`:
/// the prompt and the answer so far, the latter's from `answer` on.
void adjust(const SamplingOptions& options, std::span<float> logits,
            std::span<const std::int32_t> tokens, std::size_t answer);

/// Makes it impossible that one of `tokens` is chosen.
void forbid(std::span<const std::int32_t> tokens, std::span<float> logits);

/// The token for one row of logits, which are changed. `index`: number of the token in the answer;
/// with the seed it decides the draw, whatever else runs beside. Filters apply in the order
/// temperature, top-k, top-p, min-p.
std::int32_t draw(const kernel::Table& kernels, const SamplingOptions& options,
                  std::span<float> logits, std::uint64_t index);

}  // namespace pomona::decode
