// What tests of language models share.
#pragma once
#include <cstdint>
#include <vector>

#include "model/causal_lm.h"

namespace pomona::test {

/// Largest difference over largest reference value; `found` f32 or f64. Fails the test if the
/// numbers of values differ.
double relative_error(const Tensor& found, const std::vector<double>& expected);

/// Logits (tokens, V) of every token of a sequence that is fed in pieces of `piece` tokens with a
/// cache, in each batch behind the sequence `company`, if that is not empty.
std::vector<float> cached_logits(const model::CausalLm& lm, const Context& context,
                                 const std::vector<std::int32_t>& tokens, std::size_t piece,
                                 const std::vector<std::int32_t>& company = {});

}  // namespace pomona::test
