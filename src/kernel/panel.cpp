// Sizes of panels and prepared rows.
#include "kernel/panel.h"

#include "kernel/table.h"

namespace pomona::kernel {

namespace {

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

}  // namespace

std::int64_t PanelLayout::panel_bytes() const {
  switch (kind) {
    case PanelKind::f32:
      return K * kPanelWidth * 4;
    case PanelKind::bf16:
      return ceil_div(K, 2) * kPanelWidth * 4;
    case PanelKind::u8:
      return ceil_div(K, kGroup) * kU8GroupBytes;
    case PanelKind::u4:
      return ceil_div(K, kGroup) * kU4GroupBytes;
  }
  return 0;
}

std::int64_t prepared_row_bytes(PanelKind kind, std::int64_t K) {
  std::int64_t bytes = 0;
  switch (kind) {
    case PanelKind::f32:
      bytes = K * 4;
      break;
    case PanelKind::bf16:
      bytes = ceil_div(K, 2) * 4;
      break;
    case PanelKind::u8:
    case PanelKind::u4:
      bytes = ceil_div(K, kGroup) * static_cast<std::int64_t>(sizeof(Int8Group));
      break;
  }
  // An odd number of cache lines: neighbouring rows never compete for the same cache set.
  return (ceil_div(bytes, 64) | 1) * 64;
}

PanelKind native_panel(DType dtype) {
  switch (dtype) {
    case DType::bf16:
    case DType::f16:
      return PanelKind::bf16;
    case DType::q5_1:
    case DType::q2_k:
    case DType::q3_k:
    case DType::q4_k:
    case DType::q5_k:
    case DType::q6_k:
    case DType::iq4_xs:
    case DType::mxfp4:
    case DType::nvfp4:
      return PanelKind::bf16;
    case DType::q5_0:
    case DType::q8_0:
    case DType::iq4_nl:
      return PanelKind::u8;
    case DType::q4_0:
    case DType::q4_1:
      return PanelKind::u4;
    case DType::f64:
    case DType::f32:
    case DType::i32:
      break;
  }
  return PanelKind::f32;
}

}  // namespace pomona::kernel
