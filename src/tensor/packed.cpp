#include "tensor/packed.h"

#include "base/error.h"

namespace pomona {

using kernel::kPanelWidth;
using kernel::PanelKind;

Packed::Packed(const Context& context, const Tensor& weight, PanelKind kind)
    : layout_{kind, weight.size(0), weight.size(1)},
      storage_(lasting_storage(static_cast<std::size_t>(layout_.bytes()))) {
  const std::int64_t row_bytes = bytes_of(weight.dtype(), layout_.K);
  context.pool.parallel_for(layout_.panels(), [&](std::int64_t p) {
    const std::int64_t first = p * kPanelWidth;
    context.kernels.pack_panel(layout_, weight.dtype(), weight.raw() + first * row_bytes, row_bytes,
                               layout_.N - first, storage_->data + p * layout_.panel_bytes());
  });
  weight.release_pages();
}

PanelKind panel_kind(DType dtype, Compute compute) {
  if (compute == Compute::f32) return PanelKind::f32;
  if (compute == Compute::bf16) return PanelKind::bf16;
  return kernel::native_panel(dtype);
}

const Packed& Parameter::packed(const Context& context) const {
  const PanelKind kind = panel_kind(value.dtype(), context.compute);
  if (!packed_ || packed_->layout().kind != kind)
    packed_ = std::make_shared<const Packed>(context, value, kind);
  return *packed_;
}

}  // namespace pomona
