// Sums over the rows of a batch, as gradients of weights that every row meets: in pieces of a fixed
// number of rows, then piece by piece, so that the bits do not depend on the number of threads.
#pragma once
#include <algorithm>
#include <cstdint>

#include "op/ops.h"

namespace pomona::op {

inline constexpr std::int64_t kRowsOfASum = 64;

/// Adds to `sum` (D, or undefined) what f(begin, end, partial sum of T or null) adds to its partial
/// sums, for pieces of [0, rows) in parallel. `sums` of D each lie one after the other in a partial
/// sum.
template <class T, class F>
void sum_rows(const Context& context, std::int64_t rows, std::initializer_list<Tensor> sums,
              F&& f) {
  const std::int64_t pieces = (rows + kRowsOfASum - 1) / kRowsOfASum;
  std::int64_t width = 0;
  for (const Tensor& sum : sums) width += sum.defined() ? sum.elements() : 0;
  Tensor partial;
  if (width > 0) partial = context.empty({pieces, width}, dtype_of<T>());
  context.pool.parallel_for(pieces, [&](std::int64_t piece) {
    T* const mine = width > 0 ? partial.data<T>() + piece * width : nullptr;
    if (mine != nullptr) std::fill_n(mine, width, T{0});
    f(piece * kRowsOfASum, std::min(rows, (piece + 1) * kRowsOfASum), mine);
  });
  for (std::int64_t piece = 0; piece < pieces && width > 0; ++piece) {
    const T* from = partial.data<T>() + piece * width;
    for (const Tensor& sum : sums) {
      if (!sum.defined()) continue;
      math<T>(context).add(from, sum.data<T>(), sum.elements());
      from += sum.elements();
    }
  }
}

/// The memory that it takes while planning.
inline void plan_sum_rows(const Context& context, std::int64_t rows,
                          std::initializer_list<Tensor> sums) {
  std::int64_t width = 0;
  for (const Tensor& sum : sums) width += sum.defined() ? sum.elements() : 0;
  if (width > 0) context.empty({(rows + kRowsOfASum - 1) / kRowsOfASum, width});
}

}  // namespace pomona::op
