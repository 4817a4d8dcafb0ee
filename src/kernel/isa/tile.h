// The loops around the micro-kernels, the same for all panel kinds (Goto and van de Geijn 2008,
// "Anatomy of high-performance matrix multiplication"): a block of panels along K stays in the
// second-level cache while tiles of rows stream past it. Sums cross the blocks of K through y, in
// f32 as in the registers, so the result does not depend on the sizes of blocks and tiles.
#pragma once
#include "kernel/panel.h"
#include "kernel/table.h"
#include "simd/vec.h"

namespace pomona::kernel::POMONA_LEVEL {
namespace {

using namespace simd::POMONA_LEVEL;

/// One call of a micro-kernel: R rows, W vectors of outputs, `steps` steps along K.
struct Tile {
  const std::byte* rows;   // row 0 at the first step
  std::int64_t row_bytes;  // between rows
  const std::byte* panel;  // the panel at the first step
  std::int64_t column;     // first output inside the panel
  std::int64_t steps;
  float* y;               // row 0, first output of the tile
  std::int64_t y_stride;  // floats
  bool load;              // the sums begin with what is in y
};

using Micro = void (*)(const Tile& tile);

/// The micro-kernel for a number of rows, and the outputs it computes.
struct MicroEntry {
  Micro run;
  int columns;
};

/// Floats of sums that a micro-kernel may start from: R rows, W vectors.
template <int R, int W>
[[gnu::always_inline]] inline void load_sums(const Tile& tile, Vec<float> (&sums)[R][W]) {
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int w = 0; w < W; ++w) {
      sums[r][w] = tile.load ? load(tile.y + r * tile.y_stride + w * kLanes<float>) : Vec<float>{};
    }
  }
}

template <int R, int W>
[[gnu::always_inline]] inline void store_sums(const Tile& tile, const Vec<float> (&sums)[R][W]) {
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int w = 0; w < W; ++w) store(tile.y + r * tile.y_stride + w * kLanes<float>, sums[r][w]);
  }
}

/// Runs a tile of which only `width` columns exist in y, by way of a buffer.
template <class Kind>
void run_edge(const MicroEntry& micro, Tile tile, std::int64_t rows, std::int64_t width) {
  float buffer[Kind::kMaxRows * kPanelWidth];
  float* y = tile.y;
  for (std::int64_t r = 0; tile.load && r < rows; ++r) {
    for (std::int64_t n = 0; n < micro.columns; ++n) {
      buffer[r * kPanelWidth + n] = n < width ? y[r * tile.y_stride + n] : 0.0F;
    }
  }
  const std::int64_t y_stride = tile.y_stride;
  tile.y = buffer;
  tile.y_stride = kPanelWidth;
  micro.run(tile);
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t n = 0; n < width; ++n) y[r * y_stride + n] = buffer[r * kPanelWidth + n];
  }
}

/// Rows [0, T) against `width` <= 64 outputs of one panel; `base` is the tile of the first row and
/// column.
template <class Kind>
void run_panel(const Tile& base, std::int64_t T, std::int64_t width) {
  for (std::int64_t first = 0; first < T;) {
    // All full tiles together, then the rest, each with the width of its micro-kernel.
    const bool full = T - first >= Kind::kMaxRows;
    const std::int64_t rows = full ? Kind::kMaxRows : T - first;
    const std::int64_t end = full ? T - T % Kind::kMaxRows : T;
    const MicroEntry& micro = Kind::kMicro[rows - 1];
    for (std::int64_t column = 0; column < width; column += micro.columns) {
      for (std::int64_t row = first; row < end; row += rows) {
        Tile tile = base;
        tile.rows += row * base.row_bytes;
        tile.y += row * base.y_stride + column;
        tile.column = column;
        if (width - column >= micro.columns) {
          micro.run(tile);
        } else {
          run_edge<Kind>(micro, tile, rows, width - column);
        }
      }
    }
    first = end;
  }
}

/// Up to this many rows the weights' bytes decide: panels are read once, from front to back.
inline constexpr std::int64_t kStreamRows = 16;
/// Bytes of a block of one panel and of a block of rows, both to stay in the second-level cache.
inline constexpr std::int64_t kPanelBlockBytes = 128 << 10;
inline constexpr std::int64_t kRowBlockBytes = 384 << 10;

inline std::int64_t smaller(std::int64_t a, std::int64_t b) { return a < b ? a : b; }

/// y (T, N) (+)= rows (T, K) W (N, K)^T. Kind tells: kK values of K in a step, kRowStep and
/// kPanelStep bytes of a step in a row and in a panel, kMaxRows, and kMicro[rows - 1].
template <class Kind>
void run_gemm(PanelKind kind, const GemmCall& call) {
  const std::int64_t steps = (call.K + Kind::kK - 1) / Kind::kK;
  const std::int64_t panel_bytes = steps * Kind::kPanelStep;
  const std::int64_t row_bytes = prepared_row_bytes(kind, call.K);
  const std::int64_t panels = (call.N + kPanelWidth - 1) / kPanelWidth;
  const bool stream = call.T <= kStreamRows;
  const std::int64_t block_steps =
      stream ? steps : smaller(steps, kPanelBlockBytes / Kind::kPanelStep);
  const std::int64_t fitting = kRowBlockBytes / (block_steps * Kind::kRowStep + 1) / Kind::kMaxRows;
  const std::int64_t block_rows = stream ? call.T : (fitting > 4 ? fitting : 4) * Kind::kMaxRows;
  for (std::int64_t step = 0; step < steps || step == 0; step += block_steps) {
    for (std::int64_t row = 0; row < call.T; row += block_rows) {
      for (std::int64_t p = 0; p < panels; ++p) {
        Tile tile;
        tile.rows = call.rows + row * row_bytes + step * Kind::kRowStep;
        tile.row_bytes = row_bytes;
        tile.panel = call.panels + p * panel_bytes + step * Kind::kPanelStep;
        tile.column = 0;
        tile.steps = smaller(block_steps, steps - step);
        tile.y = call.y + row * call.y_stride + p * kPanelWidth;
        tile.y_stride = call.y_stride;
        tile.load = call.accumulate || step > 0;
        run_panel<Kind>(tile, smaller(block_rows, call.T - row),
                        smaller(kPanelWidth, call.N - p * kPanelWidth));
      }
    }
    if (steps == 0) break;
  }
}

}  // namespace
}  // namespace pomona::kernel::POMONA_LEVEL
