// What sampling asks of a row of logits: the largest, and the weights of a softmax.
#include "kernel/isa/exp.h"
#include "kernel/isa/row_loops.h"
#include "kernel/isa/rows.h"

namespace pomona::kernel::POMONA_LEVEL {
namespace {

/// NaN counts as -inf, so a row of nothing else gives 0.
std::int64_t argmax(const float* x, std::int64_t n) {
  constexpr std::int64_t kSpan = 1024;
  const float lowest = -__builtin_inff();
  float best = lowest;
  std::int64_t span = 0;  // where the best value was first seen
  for (std::int64_t from = 0; from < n; from += kSpan) {
    const float top = largest_of(x + from, n - from < kSpan ? n - from : kSpan);
    if (top > best) {
      best = top;
      span = from;
    }
  }
  if (best == lowest) return 0;
  while (x[span] != best) ++span;
  return span;
}

/// Sums spans of 1024 in float, the spans in double: relative error of the sum below 1e-6 beside
/// that of the terms.
double exp_sum(float* x, std::int64_t n, float max, float inverse_temperature) {
  constexpr std::int64_t kSpan = 1024;
  const float lowest = -__builtin_inff();
  double sum = 0;
  for (std::int64_t from = 0; from < n; from += kSpan) {
    float* const part = x + from;
    sum += static_cast<double>(
        sum_of<float>(n - from < kSpan ? n - from : kSpan, [=](std::int64_t i, auto width) {
          const Vec<float> v = load_filled(part + i, width, lowest);
          const Vec<float> e = exp((v - broadcast(max)) * broadcast(inverse_temperature));
          store(part + i, e, width);
          return e;
        }));
  }
  return sum;
}

}  // namespace

void add_sampling(Table& table) {
  table.argmax = argmax;
  table.exp_sum = exp_sum;
}

}  // namespace pomona::kernel::POMONA_LEVEL
