// Panels: the layouts in which GEMM reads its weights. A weight matrix W (N, K), one row for each
// output, is cut into panels of kPanelWidth outputs; inside a panel K runs slowest, so one step of
// K touches consecutive memory and every output's sum runs over K in ascending order, whatever the
// number of rows or threads.
//
//   f32   [K][64] float
//   bf16  [K/2][64][2] bfloat16: pairs along K, as the dot instruction wants them
//   u8    per group of 32 along K: [8][64][4] unsigned bytes, quads along K; [64] f16 scales.
//         w = scale * (u - 128)
//   u4    per group of 32 along K: [4][64][4] bytes, whose low halves are the values 4 q + i and
//   whose high
//         halves the values 16 + 4 q + i; [64] f16 scales; [64] f16 minima. w = scale * u + minimum
//
// K is padded to the layout's step with zeros, N to whole panels. A panel is one stream of memory,
// and so is a row of panels.
#pragma once
#include <cstddef>
#include <cstdint>

#include "quant/dtype.h"

namespace pomona::kernel {

inline constexpr std::int64_t kPanelWidth = 64;
inline constexpr std::int64_t kGroup = 32;

/// Bytes of one group of 32 in a u8 and a u4 panel.
inline constexpr std::int64_t kU8GroupBytes = kPanelWidth * (32 + 2);
inline constexpr std::int64_t kU4GroupBytes = kPanelWidth * (16 + 2 + 2);

/// One group of 32 activations, prepared for u8 and u4 panels alike: x = scale * q.
struct Int8Group {
  std::int8_t q[kGroup];
  float scale;            // amax / 127
  std::int32_t minus128;  // -128 * sum(q): takes the offset of u8 weights back
  float sum;              // scale * sum(q): what a weight's minimum is multiplied with
};

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
