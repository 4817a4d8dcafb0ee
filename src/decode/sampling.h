// Choosing the next token: greedy, or by temperature, top-k, top-p (Holtzman et al. 2020,
// arXiv:1904.09751), min-p (Nguyen et al. 2024, arXiv:2407.01082) and repetition penalty (Keskar et
// al. 2019, arXiv:1909.05858).
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "tensor/context.h"

namespace pomona::decode {

struct SamplingOptions {
  double temperature = 0;  // below 1e-6: greedy
  std::int64_t top_k = 0;  // 0: all
  double top_p = 1;        // 1: all
  double min_p = 0;        // 0: all; share of the best token's probability
  double repetition_penalty =
      1;  // 1: none; logits of seen tokens divided (positive) or multiplied (negative) by it
  std::uint64_t seed = 0;

  /// Throws bad_argument naming the option and its range.
  void check() const;
};

/// The token for one row of logits, which may be changed. `seen`: prompt and answer so far, for the
/// penalty. `index`: number of the token in the answer; with the seed it decides the draw, whatever
/// else runs beside. Filters apply in the order penalty, temperature, top-k, top-p, min-p.
std::int32_t sample(const kernel::Table& kernels, const SamplingOptions& options,
                    std::span<float> logits, std::span<const std::int32_t> seen,
                    std::uint64_t index);

}  // namespace pomona::decode
