// Log probabilities of tokens from a row of logits.
#pragma once
#include <span>

#include "decode/request.h"

namespace pomona::decode {

/// log(sum(exp(logits))), summed in f64.
double log_sum_exp(const kernel::Table& kernels, std::span<const float> logits);

/// The log probability of `token` and of the `top` most likely ones; of equal ones the smaller
/// token first. `logits` are as the model gave them.
TokenLogprob token_logprob(const kernel::Table& kernels, std::span<const float> logits,
                           std::int32_t token, std::int64_t top);

}  // namespace pomona::decode
