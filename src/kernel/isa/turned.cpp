// Operands of products that run the other way, as gradients need them (dx = dy W, dW = dy^T x):
// panels whose steps along K are the rows of a matrix, and prepared rows that are its columns.
#include "kernel/isa/functions.h"
#include "kernel/isa/row_loops.h"

namespace pomona::kernel::POMONA_LEVEL {
namespace {

using Unit = std::uint32_t;

constexpr int kSide = kLanes<Unit>;
/// Columns that are decoded at a time: a whole number of panels and of blocks of every format.
constexpr std::int64_t kChunk = kLargestBlock;
static_assert(kChunk % kPanelWidth == 0 && kPanelWidth % kSide == 0);

/// Columns [k, k + kChunk) of a row as floats, zeros behind the last; `buffer` where they are not
/// floats already.
const float* values_of(DType dtype, const std::byte* row, std::int64_t k, std::int64_t N,
                       float* buffer) {
  const bool whole = N - k >= kChunk;
  if (dtype == DType::f32 && whole) return reinterpret_cast<const float*>(row) + k;
  const DTypeInfo& type = info(dtype);
  const std::int64_t count = whole ? kChunk : N - k;
  for (std::int64_t i = count; i < kChunk; ++i) buffer[i] = 0;
  type.unpack(row + k / type.block * type.bytes, buffer, count);
  return buffer;
}

/// The upper halves of two rounded floats, the second above the first.
Vec<Unit> pair_of(Vec<float> first, Vec<float> second) {
  return bf16_bits(first) | bf16_bits(second) << 16;
}

/// Units [step][64] of the panels that columns [k, k + kChunk) go to.
template <class Units>
void put(const PanelLayout& layout, std::int64_t k, std::int64_t step, std::byte* panels,
         Units units) {
  for (std::int64_t c = 0; c < kChunk && k + c < layout.N; c += kPanelWidth) {
    auto* const to =
        reinterpret_cast<Unit*>(panels + (k + c) / kPanelWidth * layout.panel_bytes()) +
        step * kPanelWidth;
    for (std::int64_t i = 0; i < kPanelWidth; i += kSide) store(to + i, units(c + i));
  }
}

/// kSide columns of `count` rows from `t` on as units along the rows: rows that are not there are
/// zeros.
template <bool kPairs>
void turn(const float* x, std::int64_t x_stride, std::int64_t t, std::int64_t T,
          std::int64_t columns, std::byte* prepared, std::int64_t row_bytes) {
  const auto row = [=](std::int64_t i) {
    if (i >= T) return Vec<float>{};
    const float* const from = x + i * x_stride;
    return columns < kSide ? load_first(from, columns) : load(from);
  };
  Vec<Unit> square[kSide];
#pragma GCC unroll 16
  for (int i = 0; i < kSide; ++i) {
    square[i] =
        kPairs ? pair_of(row(t + 2 * i), row(t + 2 * i + 1)) : bits_as<Vec<Unit>>(row(t + i));
  }
  transpose(square);
  const std::int64_t first = kPairs ? t / 2 : t;
#pragma GCC unroll 16
  for (int i = 0; i < kSide; ++i) {
    if (i < columns) store(reinterpret_cast<Unit*>(prepared + i * row_bytes) + first, square[i]);
  }
}

}  // namespace

void pack_turned(const PanelLayout& layout, DType dtype, const std::byte* rows,
                 std::int64_t row_bytes, std::int64_t first, std::int64_t count,
                 std::byte* panels) {
  alignas(64) float buffers[2][kChunk];
  const std::int64_t height = layout.kind == PanelKind::bf16 ? 2 : 1;
  for (std::int64_t i = 0; i < count; i += height) {
    const std::byte* const row = rows + i * row_bytes;
    for (std::int64_t k = 0; k < layout.N; k += kChunk) {
      const float* const a = values_of(dtype, row, k, layout.N, buffers[0]);
      if (height == 1) {
        put(layout, k, first + i, panels,
            [=](std::int64_t c) { return bits_as<Vec<Unit>>(load(a + c)); });
        continue;
      }
      const float* b = buffers[1];
      if (i + 1 < count) {
        b = values_of(dtype, row + row_bytes, k, layout.N, buffers[1]);
      } else {
        for (float& value : buffers[1]) value = 0;
      }
      put(layout, k, (first + i) / 2, panels,
          [=](std::int64_t c) { return pair_of(load(a + c), load(b + c)); });
    }
  }
}

void prepare_turned(PanelKind kind, const float* x, std::int64_t x_stride, std::byte* prepared,
                    std::int64_t T, std::int64_t N) {
  const std::int64_t row_bytes = prepared_row_bytes(kind, T);
  const bool pairs = kind == PanelKind::bf16;
  const std::int64_t height = pairs ? 2 * kSide : kSide;
  for (std::int64_t n = 0; n < N; n += kSide) {
    const std::int64_t columns = N - n < kSide ? N - n : kSide;
    for (std::int64_t t = 0; t < T; t += height)
      (pairs ? turn<true> : turn<false>)(x + n, x_stride, t, T, columns, prepared + n * row_bytes,
                                         row_bytes);
  }
}

}  // namespace pomona::kernel::POMONA_LEVEL
