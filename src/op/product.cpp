#include "op/product.h"

#include <algorithm>

#include "op/ops.h"

namespace pomona::op {
namespace {

using kernel::kPanelWidth;
using kernel::PanelKind;

/// Rows in one chunk of a product: a fixed number, so results and cuts do not depend on threads.
constexpr std::int64_t kRowBlock = 128;

/// Panels that one chunk takes: enough work for a hand-over, few enough for every core to get some.
std::int64_t panels_per_chunk(std::int64_t panels, std::int64_t T, std::int64_t K) {
  constexpr std::int64_t kWorkPerChunk = 1 << 19;
  const std::int64_t by_work =
      kWorkPerChunk / std::max<std::int64_t>(1, std::min(T, kRowBlock) * K * kPanelWidth / 16);
  return std::clamp<std::int64_t>(by_work, 1, std::max<std::int64_t>(1, (panels + 7) / 8));
}

/// The outputs of `call` begin with `bias` (N), added to what is in them if the call accumulates.
void begin_with_bias(const Context& context, const float* bias, kernel::GemmCall& call) {
  for (std::int64_t t = 0; t < call.T; ++t) {
    float* const row = call.y + t * call.y_stride;
    if (call.accumulate) {
      context.kernels.f32.add(bias, row, call.N);
    } else {
      std::copy_n(bias, call.N, row);
    }
  }
  call.accumulate = true;
}

}  // namespace

Tensor prepared_memory(const Context& context, PanelKind kind, std::int64_t T, std::int64_t K) {
  return context.empty({T, kernel::prepared_row_bytes(kind, K) / 4});
}

void prepare(const Context& context, PanelKind kind, const Rows& x, std::byte* rows) {
  const std::int64_t row_bytes = kernel::prepared_row_bytes(kind, x.columns);
  parallel_rows(context, x.T, 2 * x.columns, [&](std::int64_t begin, std::int64_t end) {
    context.kernels.prepare_rows(kind, x.data + begin * x.stride, x.stride,
                                 rows + begin * row_bytes, end - begin, x.columns);
  });
}

Tensor prepared(const Context& context, PanelKind kind, const Rows& x) {
  const Tensor rows = prepared_memory(context, kind, x.T, x.columns);
  prepare(context, kind, x, rows.raw());
  return rows;
}

Tensor prepared_turned(const Context& context, PanelKind kind, const Rows& x) {
  constexpr std::int64_t kColumns = 16;  // of one piece: whole vectors on every level
  const Tensor rows = prepared_memory(context, kind, x.columns, x.T);
  const std::int64_t row_bytes = kernel::prepared_row_bytes(kind, x.T);
  context.pool.parallel_for((x.columns + kColumns - 1) / kColumns, [&](std::int64_t i) {
    const std::int64_t first = i * kColumns;
    context.kernels.prepare_turned(kind, x.data + first, x.stride, rows.raw() + first * row_bytes,
                                   x.T, std::min(kColumns, x.columns - first));
  });
  return rows;
}

void multiply(const Context& context, const Packed& weight, const float* bias,
              const std::byte* rows, const Rows& y, bool accumulate) {
  const kernel::PanelLayout& layout = weight.layout();
  const std::int64_t row_bytes = kernel::prepared_row_bytes(layout.kind, layout.K);
  const std::int64_t step = panels_per_chunk(layout.panels(), y.T, layout.K);
  const std::int64_t column_chunks = (layout.panels() + step - 1) / step;
  const std::int64_t row_chunks = (y.T + kRowBlock - 1) / kRowBlock;
  context.pool.parallel_for(column_chunks * row_chunks, [&](std::int64_t chunk) {
    const std::int64_t first_row = chunk % row_chunks * kRowBlock;
    const std::int64_t first_panel = chunk / row_chunks * step;
    const std::int64_t columns =
        std::min(layout.N, (first_panel + step) * kPanelWidth) - first_panel * kPanelWidth;
    kernel::GemmCall call;
    call.rows = rows + first_row * row_bytes;
    call.panels = weight.panel(first_panel);
    call.y = y.data + first_row * y.stride + first_panel * kPanelWidth;
    call.y_stride = y.stride;
    call.T = std::min(kRowBlock, y.T - first_row);
    call.N = columns;
    call.K = layout.K;
    call.accumulate = accumulate;
    if (bias != nullptr) begin_with_bias(context, bias + first_panel * kPanelWidth, call);
    context.kernels.gemm[static_cast<std::size_t>(layout.kind)](call);
  });
}

template <class T>
void add_to(const Context& context, const T* x, T* y, std::int64_t n) {
  parallel_rows(context, n, 1, [&](std::int64_t begin, std::int64_t end) {
    math<T>(context).add(x + begin, y + begin, end - begin);
  });
}

template void add_to(const Context&, const float*, float*, std::int64_t);
template void add_to(const Context&, const double*, double*, std::int64_t);

}  // namespace pomona::op
