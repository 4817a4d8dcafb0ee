// Packing of weight rows into panels, and back. Block formats go to u8 and u4 panels byte by byte:
// nothing is rounded on the way.
#include "kernel/isa/functions.h"
#include "simd/vec.h"

namespace pomona::kernel::POMONA_LEVEL {
namespace {

using namespace simd::POMONA_LEVEL;

using Unit = std::uint32_t;

/// Values of K that are decoded at a time: a whole number of blocks of every format.
constexpr std::int64_t kChunk = 64;

struct Source {
  DType dtype;
  const std::byte* rows;
  std::int64_t row_bytes;
  std::int64_t rows_left;
};

/// Decodes values [k, k + kChunk) of row n; what lies beyond N or K is zero. values: kChunk floats.
void decode(const Source& source, std::int64_t n, std::int64_t k, std::int64_t K, float* values) {
  for (std::int64_t i = 0; i < kChunk; ++i) values[i] = 0.0F;
  if (n >= source.rows_left) return;
  const DTypeInfo& type = info(source.dtype);
  const std::int64_t count = K - k < kChunk ? K - k : kChunk;
  const std::byte* start = source.rows + n * source.row_bytes + k / type.block * type.bytes;
  if (source.dtype == DType::f32) {
    __builtin_memcpy(values, start, static_cast<std::size_t>(count) * sizeof(float));
  } else {
    type.unpack(start, values, count);
  }
}

/// f32 panels; with `values` (64 outputs, kChunk) decoded.
void write_f32(const float* values, std::int64_t steps, std::byte* panel) {
  auto* target = reinterpret_cast<float*>(panel);
  for (std::int64_t step = 0; step < steps; ++step) {
    for (std::int64_t n = 0; n < kPanelWidth; ++n)
      target[step * kPanelWidth + n] = values[n * kChunk + step];
  }
}

void write_bf16(const float* values, std::int64_t steps, std::byte* panel) {
  std::uint16_t rounded[kPanelWidth * kChunk];
  for (std::int64_t i = 0; i < kPanelWidth * kChunk; i += kLanes<float>)
    store_bf16(rounded + i, load(values + i));
  for (std::int64_t step = 0; step < steps; ++step) {
    for (std::int64_t n = 0; n < kPanelWidth; ++n) {
      __builtin_memcpy(panel + (step * kPanelWidth + n) * 4, rounded + n * kChunk + 2 * step, 4);
    }
  }
}

void pack_decoded(const PanelLayout& layout, const Source& source, std::byte* panel) {
  alignas(64) float values[kPanelWidth * kChunk];
  const std::int64_t per_step = layout.kind == PanelKind::bf16 ? 2 : 1;
  for (std::int64_t k = 0; k < layout.K; k += kChunk) {
    for (std::int64_t n = 0; n < kPanelWidth; ++n)
      decode(source, n, k, layout.K, values + n * kChunk);
    const std::int64_t left = (layout.K - k + per_step - 1) / per_step;
    const std::int64_t steps = left < kChunk / per_step ? left : kChunk / per_step;
    std::byte* target = panel + k / per_step * kPanelWidth * 4;
    if (layout.kind == PanelKind::f32) {
      write_f32(values, steps, target);
    } else {
      write_bf16(values, steps, target);
    }
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

float f16_at(const std::byte* address) {
  std::uint16_t bits[kLanes<float>] = {};
  __builtin_memcpy(bits, address, 2);
  return load_f16(bits)[0];
}

void unpack_u8(const std::byte* group, std::int64_t n, float* values) {
  const float scale = f16_at(group + 32 * kPanelWidth + 2 * n);
  for (std::int64_t i = 0; i < kGroup; ++i) {
    const int u = static_cast<int>(group[(i / 4 * kPanelWidth + n) * 4 + i % 4]);
    values[i] = scale * static_cast<float>(u - 128);
  }
}

void unpack_u4(const std::byte* group, std::int64_t n, float* values) {
  const float scale = f16_at(group + 16 * kPanelWidth + 2 * n);
  const float minimum = f16_at(group + 18 * kPanelWidth + 2 * n);
  for (std::int64_t i = 0; i < kGroup / 2; ++i) {
    const int pair = static_cast<int>(group[(i / 4 * kPanelWidth + n) * 4 + i % 4]);
    values[i] = scale * static_cast<float>(pair & 15) + minimum;
    values[i + kGroup / 2] = scale * static_cast<float>(pair >> 4) + minimum;
  }
}

}  // namespace

void pack_panel(const PanelLayout& layout, DType dtype, const std::byte* rows,
                std::int64_t row_bytes, std::int64_t rows_left, std::byte* panel) {
  const Source source{dtype, rows, row_bytes, rows_left};
  if (layout.kind == PanelKind::f32 || layout.kind == PanelKind::bf16) {
    pack_decoded(layout, source, panel);
  } else {
    pack_blocks(layout, source, panel);
  }
}

void unpack_row(const PanelLayout& layout, const std::byte* panels, std::int64_t n, float* values) {
  const std::byte* panel = panels + n / kPanelWidth * layout.panel_bytes();
  const std::int64_t column = n % kPanelWidth;
  switch (layout.kind) {
    case PanelKind::f32:
      for (std::int64_t k = 0; k < layout.K; ++k) {
        __builtin_memcpy(values + k, panel + (k * kPanelWidth + column) * 4, 4);
      }
      break;
    case PanelKind::bf16:
      for (std::int64_t k = 0; k < layout.K; ++k) {
        std::uint16_t half;
        __builtin_memcpy(&half, panel + (k / 2 * kPanelWidth + column) * 4 + k % 2 * 2, 2);
        values[k] = bits_as<float>(static_cast<Unit>(half) << 16);
      }
      break;
    case PanelKind::u8:
      for (std::int64_t g = 0; g < layout.K / kGroup; ++g) {
        unpack_u8(panel + g * kU8GroupBytes, column, values + g * kGroup);
      }
      break;
    case PanelKind::u4:
      for (std::int64_t g = 0; g < layout.K / kGroup; ++g) {
        unpack_u4(panel + g * kU4GroupBytes, column, values + g * kGroup);
      }
      break;
  }
}

}  // namespace pomona::kernel::POMONA_LEVEL
