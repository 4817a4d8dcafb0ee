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
    context.pool.parallel_for(count, [&](std::int64_t i) {
      const std::int64_t first = (begin + i) * kPanelWidth;
      context.kernels.pack_panel(layout_, weight.dtype(), weight.raw() + first * row_bytes,
                                 row_bytes, layout_.N - first,
                                 storage_->data + (begin + i) * layout_.panel_bytes());
    });
    const std::int64_t first = begin * kPanelWidth;
    weight.narrow(0, first, std::min(count * kPanelWidth, layout_.N - first)).release_pages();
  }
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
