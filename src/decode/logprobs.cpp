#include "decode/logprobs.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace pomona::decode {

double log_sum_exp(const kernel::Table& kernels, std::span<const float> logits) {
  std::vector<float> row(logits.begin(), logits.end());
  const auto V = static_cast<std::int64_t>(row.size());
  const float highest = row[static_cast<std::size_t>(kernels.argmax(row.data(), V))];
  return static_cast<double>(highest) + std::log(kernels.exp_sum(row.data(), V, highest, 1));
}

TokenLogprob token_logprob(const kernel::Table& kernels, std::span<const float> logits,
                           std::int32_t token, std::int64_t top) {
  const double all = log_sum_exp(kernels, logits);
  const auto of = [&](std::int32_t id) {
    return static_cast<double>(logits[static_cast<std::size_t>(id)]) - all;
  };
  TokenLogprob found{token, of(token), {}};
  std::vector<std::int32_t> ids(top > 0 ? logits.size() : 0);
  std::iota(ids.begin(), ids.end(), 0);
  const auto kept = std::min(ids.size(), static_cast<std::size_t>(top));
  std::partial_sort(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(kept), ids.end(),
                    [&](std::int32_t a, std::int32_t b) {
                      const float x = logits[static_cast<std::size_t>(a)];
                      const float y = logits[static_cast<std::size_t>(b)];
                      return x != y ? x > y : a < b;
                    });
  for (std::size_t i = 0; i < kept; ++i) found.top.emplace_back(ids[i], of(ids[i]));
  return found;
}

}  // namespace pomona::decode
