// Products of f32 matrices by way of prepared rows and panels: what linear maps and their gradients
// are made of. Rows of x and y may lie apart. Work is cut into whole panels and fixed numbers of
// rows, so results do not depend on the number of threads.
#pragma once
#include <cstdint>

#include "tensor/context.h"
#include "tensor/packed.h"
#include "tensor/tensor.h"

namespace pomona::op {

/// A matrix in place: rows (T) of `columns` floats, `stride` floats apart.
struct Rows {
  float* data = nullptr;
  std::int64_t stride = 0;
  std::int64_t T = 0;
  std::int64_t columns = 0;

  /// Columns [start, start + length) of a tensor (T, D); all of it.
  static Rows of(const Tensor& x, std::int64_t start, std::int64_t length) {
    return {x.data<float>() + start, x.stride(0), x.size(0), length};
  }
  static Rows of(const Tensor& x) { return of(x, 0, x.size(1)); }
};

/// Memory for prepared rows, x (T, K).
Tensor prepared_memory(const Context& context, kernel::PanelKind kind, std::int64_t T,
                       std::int64_t K);
/// x as GEMM reads it.
Tensor prepared(const Context& context, kernel::PanelKind kind, const Rows& x);
void prepare(const Context& context, kernel::PanelKind kind, const Rows& x, std::byte* rows);
/// Columns of x as GEMM reads rows.
Tensor prepared_turned(const Context& context, kernel::PanelKind kind, const Rows& x);

/// y (T, N) = or += prepared rows (T, K) W^T, W (N, K), + bias (N), which may be null.
void multiply(const Context& context, const Packed& weight, const float* bias,
              const std::byte* rows, const Rows& y, bool accumulate);

/// y += x, n values.
template <class T>
void add_to(const Context& context, const T* x, T* y, std::int64_t n);
extern template void add_to(const Context&, const float*, float*, std::int64_t);
extern template void add_to(const Context&, const double*, double*, std::int64_t);

}  // namespace pomona::op
