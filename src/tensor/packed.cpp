#include "tensor/packed.h"

#include <algorithm>

#include "base/error.h"

namespace pomona {

using kernel::kPanelWidth;
using kernel::PanelKind;

namespace {

/// A file's bytes and their panels are in memory together for so many bytes of the file at most.
constexpr std::int64_t kPackedTogether = std::int64_t{4} << 20;

}  // namespace

Packed::Packed(const Context& context, const Tensor& weight, PanelKind kind)
    : layout_{kind, weight.size(0), weight.size(1)},
      storage_(lasting_storage(static_cast<std::size_t>(layout_.bytes()))) {
  const std::int64_t row_bytes = bytes_of(weight.dtype(), layout_.K);
  const std::int64_t step = std::max<std::int64_t>(1, kPackedTogether / (kPanelWidth * row_bytes));
  for (std::int64_t begin = 0; begin < layout_.panels(); begin += step) {
    const std::int64_t count = std::min(step, layout_.panels() - begin);
    fill(context, weight, begin, count);
    const std::int64_t first = begin * kPanelWidth;
    weight.narrow(0, first, std::min(count * kPanelWidth, layout_.N - first)).release_pages();
  }
}

Packed::Packed(const Context& context, kernel::PanelLayout layout)
    : layout_(layout), storage_(context.arena.allocate(static_cast<std::size_t>(layout.bytes()))) {}

void Packed::fill(const Context& context, const Tensor& weight, std::int64_t begin,
                  std::int64_t count) const {
  const std::int64_t row_bytes = bytes_of(weight.dtype(), layout_.K);
  context.pool.parallel_for(count, [&](std::int64_t i) {
    const std::int64_t first = (begin + i) * kPanelWidth;
    context.kernels.pack_panel(layout_, weight.dtype(), weight.raw() + first * row_bytes, row_bytes,
                               layout_.N - first,
                               storage_->data + (begin + i) * layout_.panel_bytes());
  });
}

Packed Packed::for_now(const Context& context, const Tensor& weight, PanelKind kind) {
  const Packed packed(context, {kind, weight.size(0), weight.size(1)});
  if (!context.planning()) packed.fill(context, weight, 0, packed.layout_.panels());
  return packed;
}

Packed Packed::turned(const Context& context, const Tensor& weight, PanelKind kind) {
  const Packed packed(context, {kind, weight.size(1), weight.size(0)});
  if (context.planning()) return packed;
  const kernel::PanelLayout& layout = packed.layout_;
  const std::int64_t row_bytes = is_block_format(weight.dtype())
                                     ? bytes_of(weight.dtype(), layout.N)
                                     : bytes_of(weight.dtype(), weight.stride(0));
  constexpr std::int64_t kRows = 16;  // even; a piece of work for one thread
  context.pool.parallel_for((layout.K + kRows - 1) / kRows, [&](std::int64_t i) {
    const std::int64_t first = i * kRows;
    context.kernels.pack_turned(layout, weight.dtype(), weight.raw() + first * row_bytes, row_bytes,
                                first, std::min(kRows, layout.K - first), packed.storage_->data);
  });
  return packed;
}

PanelKind panel_kind(DType dtype, Compute compute) {
  if (compute == Compute::f32) return PanelKind::f32;
  if (compute == Compute::bf16) return PanelKind::bf16;
  return kernel::native_panel(dtype);
}

PanelKind gradient_kind(Compute compute) {
  return compute == Compute::f32 ? PanelKind::f32 : PanelKind::bf16;
}

Packed Parameter::packed(const Context& context) const {
  const PanelKind kind = panel_kind(value.dtype(), context.compute);
  if (value.needs_gradient()) return Packed::for_now(context, value, kind);
  if (!packed_ || packed_->layout().kind != kind)
    packed_ = std::make_shared<const Packed>(context, value, kind);
  return *packed_;
}

}  // namespace pomona
