// Cross entropy of logits against token ids, and its gradient softmax - one_hot.
#include "kernel/isa/exp.h"
#include "kernel/isa/row_loops.h"
#include "kernel/isa/rows.h"

namespace pomona::kernel::POMONA_LEVEL {
namespace {

template <class T>
void cross_entropy(const T* logits, const std::int32_t* target, T* loss, T* lse, std::int64_t rows,
                   std::int64_t V) {
  const T lowest = -static_cast<T>(__builtin_inff());
  for (std::int64_t row = 0; row < rows; ++row, logits += V) {
    const T top = largest_of(logits, V);
    const T sum = sum_of<T>(V, [=](std::int64_t i, auto width) {
      return exp(load_filled(logits + i, width, lowest) - broadcast(top));
    });
    const double log_sum = static_cast<double>(top) + __builtin_log(static_cast<double>(sum));
    if (lse) lse[row] = static_cast<T>(log_sum);
    const std::int32_t t = target[row];
    loss[row] = t < 0 ? T{0} : static_cast<T>(log_sum - static_cast<double>(logits[t]));
  }
}

template <class T>
void cross_entropy_back(const T* dloss, const T* logits, const std::int32_t* target, const T* lse,
                        T* dlogits, std::int64_t rows, std::int64_t V) {
  for (std::int64_t row = 0; row < rows; ++row, logits += V, dlogits += V) {
    const std::int32_t t = target[row];
    if (t < 0) continue;
    const Vec<T> d = broadcast(dloss[row]);
    const Vec<T> log_sum = broadcast(lse[row]);
    each_vector<T>(V, [=](std::int64_t i, auto width) {
      const Vec<T> p = exp(load(logits + i, width) - log_sum);
      store(dlogits + i, load(dlogits + i, width) + d * p, width);
    });
    dlogits[t] -= dloss[row];
  }
}

template <class T>
void fill(MathTable<T>& table) {
  table.cross_entropy = cross_entropy<T>;
  table.cross_entropy_back = cross_entropy_back<T>;
}

}  // namespace

void add_loss(MathTable<float>& table) { fill(table); }
#if POMONA_LEVEL_ID == 0
void add_loss(MathTable<double>& table) { fill(table); }
#endif

}  // namespace pomona::kernel::POMONA_LEVEL
