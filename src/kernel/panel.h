// Panels: the layouts in which GEMM reads its weights. A weight matrix W (N, K), one row for each output, is
// cut into panels of kPanelWidth outputs; inside a panel K runs slowest, so one step of K touches consecutive
// memory and every output's sum runs over K in ascending order, whatever the number of rows or threads.
//
//   f32   [K][64] float
//   bf16  [K/2][64][2] bfloat16: pairs along K, as the dot instruction wants them
//   u8    groups of 32 along K: unsigned bytes in quads along K, a scale and (u4 and affine u8) a minimum
//         per output and group: w = scale * u + minimum
//   u4    as u8 with two values in a byte
//
// K is padded to the layout's step with zeros, N to whole panels.
#pragma once
#include <cstddef>
#include <cstdint>

#include "quant/dtype.h"

namespace pomona::kernel {

inline constexpr std::int64_t kPanelWidth = 64;
inline constexpr std::int64_t kGroup = 32;

enum class PanelKind : std::uint8_t { f32, bf16, u8, u4 };

/// Sizes of one packed matrix (N, K).
struct PanelLayout {
  PanelKind kind = PanelKind::f32;
  std::int64_t N = 0;
  std::int64_t K = 0;

  std::int64_t panels() const { return (N + kPanelWidth - 1) / kPanelWidth; }
  /// Bytes of one panel, a multiple of 64.
  std::int64_t panel_bytes() const;
  std::int64_t bytes() const { return panels() * panel_bytes(); }
};

/// The panel kind that holds `dtype` without loss beyond the compute mode's: what `fast` uses.
PanelKind native_panel(DType dtype);

}  // namespace pomona::kernel
