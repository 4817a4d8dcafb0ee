// Packing of weight rows into panels. Block formats go to u8 and u4 panels byte by byte: nothing is
// rounded on the way.
#include "kernel/isa/functions.h"
#include "simd/vec.h"

namespace pomona::kernel::POMONA_LEVEL {
namespace {

using namespace simd::POMONA_LEVEL;

using Unit = std::uint32_t;

/// Values of K that are packed at a time: a whole number of blocks of every format.
constexpr std::int64_t kChunk = 64;

struct Source {
  DType dtype;
  const std::byte* rows;
  std::int64_t row_bytes;
  std::int64_t rows_left;
};

/// 64 rows of 32-bit units, not side by side.
using UnitRows = const std::byte* [kPanelWidth];

/// Units [0, steps) of 64 rows -> [step][64]. The rows hold whole vectors of units.
void transpose_units(const UnitRows& rows, std::int64_t steps, std::byte* target) {
  constexpr int kSide = kLanes<Unit>;
  for (std::int64_t step = 0; step < steps; step += kSide) {
    for (std::int64_t n = 0; n < kPanelWidth; n += kSide) {
      Vec<Unit> square[kSide];
#pragma GCC unroll 16
      for (int i = 0; i < kSide; ++i)
        square[i] = load(reinterpret_cast<const Unit*>(rows[n + i]) + step);
      transpose(square);
#pragma GCC unroll 16
      for (int i = 0; i < kSide; ++i) {
        if (step + i < steps)
          store(reinterpret_cast<Unit*>(target) + (step + i) * kPanelWidth + n, square[i]);
      }
    }
  }
}

/// Decodes values [k, k + kChunk) of row n into `values`; what lies beyond N or K is zero.
void decode(const Source& source, std::int64_t n, std::int64_t k, std::int64_t K, float* values) {
  for (std::int64_t i = 0; i < kChunk; ++i) values[i] = 0.0F;
  if (n >= source.rows_left) return;
  const DTypeInfo& type = info(source.dtype);
  const std::int64_t count = K - k < kChunk ? K - k : kChunk;
  type.unpack(source.rows + n * source.row_bytes + k / type.block * type.bytes, values, count);
}

/// f32 and bf16 panels. Rows that hold the panel's type already are read where they are.
void pack_dense(const PanelLayout& layout, const Source& source, std::byte* panel) {
  const bool bf16 = layout.kind == PanelKind::bf16;
  const bool same = source.dtype == (bf16 ? DType::bf16 : DType::f32);
  const std::int64_t per_unit = bf16 ? 2 : 1;
  alignas(64) float values[kPanelWidth * kChunk];
  for (std::int64_t k = 0; k < layout.K; k += kChunk) {
    const bool whole = layout.K - k >= kChunk;
    UnitRows rows;
    for (std::int64_t n = 0; n < kPanelWidth; ++n) {
      rows[n] = source.rows + n * source.row_bytes + k / per_unit * 4;
      if (same && whole && n < source.rows_left) continue;
      float* decoded = values + n * kChunk;
      decode(source, n, k, layout.K, decoded);
      rows[n] = reinterpret_cast<std::byte*>(decoded);
      for (std::int64_t i = 0; bf16 && i < kChunk; i += kLanes<float>) {
        store_bf16(reinterpret_cast<std::uint16_t*>(decoded) + i, load(decoded + i));
      }
    }
    const std::int64_t units = ((whole ? kChunk : layout.K - k) + per_unit - 1) / per_unit;
    transpose_units(rows, units, panel + k / per_unit * kPanelWidth * 4);
  }
}

/// Q8_0 block (f16 d, 32 signed bytes) of output n into its group: offset bytes, scale.
void pack_q8_0(const std::byte* block, std::int64_t n, std::byte* group) {
  for (std::int64_t quad = 0; quad < 8; ++quad) {
    Unit four = 0x80808080U;
    if (block != nullptr) {
      __builtin_memcpy(&four, block + 2 + 4 * quad, 4);
      four ^= 0x80808080U;
    }
    __builtin_memcpy(group + (quad * kPanelWidth + n) * 4, &four, 4);
  }
  std::uint16_t scale = 0;
  if (block != nullptr) __builtin_memcpy(&scale, block, 2);
  __builtin_memcpy(group + 32 * kPanelWidth + 2 * n, &scale, 2);
}

/// Q4_1 block (f16 d, f16 m, 16 bytes of halves) of output n into its group: the same bytes, in
/// quads.
void pack_q4_1(const std::byte* block, std::int64_t n, std::byte* group) {
  static constexpr std::byte kZero[20] = {};
  if (block == nullptr) block = kZero;
  for (std::int64_t quad = 0; quad < 4; ++quad) {
    __builtin_memcpy(group + (quad * kPanelWidth + n) * 4, block + 4 + 4 * quad, 4);
  }
  __builtin_memcpy(group + 16 * kPanelWidth + 2 * n, block, 2);
  __builtin_memcpy(group + 18 * kPanelWidth + 2 * n, block + 2, 2);
}

void pack_blocks(const PanelLayout& layout, const Source& source, std::byte* panel) {
  const bool u8 = layout.kind == PanelKind::u8;
  const std::int64_t block_bytes = u8 ? 34 : 20;
  const std::int64_t group_bytes = u8 ? kU8GroupBytes : kU4GroupBytes;
  for (std::int64_t n = 0; n < kPanelWidth; ++n) {
    for (std::int64_t g = 0; g < (layout.K + kGroup - 1) / kGroup; ++g) {
      const std::byte* block =
          n < source.rows_left ? source.rows + n * source.row_bytes + g * block_bytes : nullptr;
      if (u8) {
        pack_q8_0(block, n, panel + g * group_bytes);
      } else {
        pack_q4_1(block, n, panel + g * group_bytes);
      }
    }
  }
}

}  // namespace

void pack_panel(const PanelLayout& layout, DType dtype, const std::byte* rows,
                std::int64_t row_bytes, std::int64_t rows_left, std::byte* panel) {
  const Source source{dtype, rows, row_bytes, rows_left};
  if (layout.kind == PanelKind::f32 || layout.kind == PanelKind::bf16) {
    pack_dense(layout, source, panel);
  } else {
    pack_blocks(layout, source, panel);
  }
}

}  // namespace pomona::kernel::POMONA_LEVEL
