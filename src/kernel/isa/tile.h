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
  const std::byte* next;     // what will be read soon: for every line of the panel that the kernel
  std::int64_t next_stride;  // reads it asks for the line there, this many bytes further each time
  float* y;                  // row 0, first output of the tile
  std::int64_t y_stride;     // floats
  bool load;                 // the sums begin with what is in y
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

/// `count` tiles of `rows` rows against `width` <= 64 outputs of one panel. `tile` is the first of
/// them at the panel's first column. Rows run fastest: the outputs' part of the panel stays in the
/// first-level cache.
template <class Kind>
void run_tiles(Tile& tile, std::int64_t count, std::int64_t rows, std::int64_t width) {
  const MicroEntry& micro = Kind::kMicro[rows - 1];
  const std::int64_t lines = tile.steps * micro.columns * Kind::kPanelStep / (kPanelWidth * 64);
  const std::byte* const first_rows = tile.rows;
  float* const first_y = tile.y;
  for (std::int64_t column = 0; column < width; column += micro.columns) {
    tile.column = column;
    tile.rows = first_rows;
    tile.y = first_y + column;
    for (std::int64_t i = 0; i < count; ++i) {
      if (width - column >= micro.columns) {
        micro.run(tile);
      } else {
        run_edge<Kind>(micro, tile, rows, width - column);
      }
      tile.rows += rows * tile.row_bytes;
      tile.y += rows * tile.y_stride;
      tile.next += lines * tile.next_stride;
    }
  }
  tile.y -= tile.column;
}

inline std::int64_t smaller(std::int64_t a, std::int64_t b) { return a < b ? a : b; }
inline std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// T rows in as few tiles as possible, as equal as possible: `tall` tiles of rows + 1, then `plain`
/// of rows.
struct RowTiles {
  std::int64_t rows;
  std::int64_t tall;
  std::int64_t plain;

  std::int64_t count() const { return tall + plain; }
};

template <class Kind>
RowTiles tile_rows(std::int64_t T) {
  const std::int64_t count = ceil_div(T, Kind::kMaxRows);
  return {T / count, T % count, count - T % count};
}

/// One block of rows, one panel, one block of steps.
template <class Kind>
void run_block(Tile tile, const RowTiles& tiles, std::int64_t width) {
  if (tiles.tall > 0) run_tiles<Kind>(tile, tiles.tall, tiles.rows + 1, width);
  run_tiles<Kind>(tile, tiles.plain, tiles.rows, width);
}

/// Bytes of a block of one panel and of a block of rows, both to stay in the second-level cache.
inline constexpr std::int64_t kPanelBytes = 128 << 10;
inline constexpr std::int64_t kRowsBytes = 384 << 10;
/// How far ahead a kernel asks for lines that it reads only once.
inline constexpr std::int64_t kAheadBytes = 8 << 10;

/// y (T, N) (+)= rows (T, K) W (N, K)^T, cut into blocks. Kind tells: kK values of K in a step,
/// kRowStep and kPanelStep bytes of a step in a row and in a panel, kMaxRows, and kMicro[rows - 1].
template <class Kind>
class Gemm {
 public:
  Gemm(PanelKind kind, const GemmCall& call)
      : call_(call),
        row_bytes_(prepared_row_bytes(kind, call.K)),
        steps_(ceil_div(call.K, Kind::kK)),
        panels_(ceil_div(call.N, kPanelWidth)) {}

  void run() const {
    if (call_.T == 0 || call_.N == 0) return;
    const bool one_pass =
        call_.T <= Kind::kMaxRows && Kind::kMicro[call_.T - 1].columns == kPanelWidth;
    if (one_pass) {
      stream();
    } else {
      blocks();
    }
  }

 private:
  /// Few rows: the panels are read once, from front to back.
  void stream() const {
    const RowTiles tiles = tile_rows<Kind>(call_.T);
    for (std::int64_t panel = 0; panel < panels_; ++panel) {
      Tile tile = tile_at(0, panel, 0, steps_);
      tile.next = tile.panel + smaller(steps_ * Kind::kPanelStep, kAheadBytes);
      tile.next_stride = 64;
      run_block<Kind>(tile, tiles, width_of(panel));
    }
  }

  /// A block of a panel serves all tiles of a block of rows, and meanwhile the next panel's comes
  /// to the cache.
  void blocks() const {
    const std::int64_t block = smaller(steps_, kPanelBytes / Kind::kPanelStep);
    const std::int64_t fitting = kRowsBytes / (block * Kind::kRowStep * Kind::kMaxRows);
    const std::int64_t block_rows = (fitting > 4 ? fitting : 4) * Kind::kMaxRows;
    for (std::int64_t step = 0; step < steps_; step += block) {
      for (std::int64_t row = 0; row < call_.T; row += block_rows) {
        const RowTiles tiles = tile_rows<Kind>(smaller(block_rows, call_.T - row));
        for (std::int64_t panel = 0; panel < panels_; ++panel) {
          Tile tile = tile_at(row, panel, step, block);
          tile.next = tile.panel + steps_ * Kind::kPanelStep;
          tile.next_stride = 64 / tiles.count();
          run_block<Kind>(tile, tiles, width_of(panel));
        }
      }
    }
  }

  std::int64_t width_of(std::int64_t panel) const {
    return smaller(kPanelWidth, call_.N - panel * kPanelWidth);
  }

  Tile tile_at(std::int64_t row, std::int64_t panel, std::int64_t step, std::int64_t block) const {
    Tile tile{};
    tile.rows = call_.rows + row * row_bytes_ + step * Kind::kRowStep;
    tile.row_bytes = row_bytes_;
    tile.panel = call_.panels + (panel * steps_ + step) * Kind::kPanelStep;
    tile.steps = smaller(block, steps_ - step);
    tile.y = call_.y + row * call_.y_stride + panel * kPanelWidth;
    tile.y_stride = call_.y_stride;
    tile.load = call_.accumulate || step > 0;
    return tile;
  }

  const GemmCall& call_;
  std::int64_t row_bytes_;
  std::int64_t steps_;
  std::int64_t panels_;
};

}  // namespace
}  // namespace pomona::kernel::POMONA_LEVEL
