// Packing of weight rows into panels. Block formats go to u8 and u4 panels byte by byte: nothing is
// rounded on the way.
#include "kernel/isa/functions.h"
#include "quant/iq4.h"
#include "simd/vec.h"

namespace pomona::kernel::POMONA_LEVEL {
namespace {

using namespace simd::POMONA_LEVEL;

using Unit = std::uint32_t;

/// Values of K that are packed at a time: a whole number of blocks of every format.
constexpr std::int64_t kChunk = kLargestBlock;

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

/// 32 unsigned bytes and the bits of an f16 scale of output n into its u8 group.
void put_u8(const std::uint8_t* bytes, std::uint16_t scale, std::int64_t n, std::byte* group) {
  for (std::int64_t quad = 0; quad < 8; ++quad) {
    __builtin_memcpy(group + (quad * kPanelWidth + n) * 4, bytes + 4 * quad, 4);
  }
  __builtin_memcpy(group + 32 * kPanelWidth + 2 * n, &scale, 2);
}

/// 16 bytes of halves, the bits of f16 scale and minimum of output n into its u4 group.
void put_u4(const std::byte* halves, std::uint16_t scale, std::uint16_t minimum, std::int64_t n,
            std::byte* group) {
  for (std::int64_t quad = 0; quad < 4; ++quad) {
    __builtin_memcpy(group + (quad * kPanelWidth + n) * 4, halves + 4 * quad, 4);
  }
  __builtin_memcpy(group + 16 * kPanelWidth + 2 * n, &scale, 2);
  __builtin_memcpy(group + 18 * kPanelWidth + 2 * n, &minimum, 2);
}

std::uint16_t bits_at(const std::byte* address) {
  std::uint16_t bits;
  __builtin_memcpy(&bits, address, 2);
  return bits;
}

void pack_q8_0(const std::byte* block, std::int64_t n, std::byte* group) {
  std::uint8_t bytes[32];
  for (int i = 0; i < 32; ++i) bytes[i] = static_cast<std::uint8_t>(block[2 + i]) ^ 0x80U;
  put_u8(bytes, bits_at(block), n, group);
}

void pack_q5_0(const std::byte* block, std::int64_t n, std::byte* group) {
  std::uint32_t high;
  __builtin_memcpy(&high, block + 2, 4);
  std::uint8_t bytes[32];
  for (int i = 0; i < 32; ++i) {
    const unsigned low = static_cast<unsigned>(block[6 + i % 16]) >> (i / 16 * 4) & 15U;
    bytes[i] = static_cast<std::uint8_t>((low | (high >> i & 1U) << 4) + 128U - 16U);
  }
  put_u8(bytes, bits_at(block), n, group);
}

void pack_iq4_nl(const std::byte* block, std::int64_t n, std::byte* group) {
  std::uint8_t bytes[32];
  for (int i = 0; i < 32; ++i) {
    const unsigned q = static_cast<unsigned>(block[2 + i % 16]) >> (i / 16 * 4) & 15U;
    bytes[i] = static_cast<std::uint8_t>(quant::kIq4Levels[q] + 128);
  }
  put_u8(bytes, bits_at(block), n, group);
}

void pack_q4_1(const std::byte* block, std::int64_t n, std::byte* group) {
  put_u4(block + 4, bits_at(block), bits_at(block + 2), n, group);
}

/// The f16 -8 x, exactly; beyond the largest f16 infinity.
std::uint16_t minus_eight_times(std::uint16_t x) {
  const std::uint32_t sign = (x & 0x8000U) ^ 0x8000U;
  std::uint32_t magnitude = x & 0x7fffU;
  if (magnitude >= 0x0400U) {
    if (magnitude < 0x7c00U)
      magnitude = magnitude + 0x0c00U < 0x7c00U ? magnitude + 0x0c00U : 0x7c00U;
    return static_cast<std::uint16_t>(sign | magnitude);
  }
  magnitude <<= 3;  // a subnormal, which may become normal
  std::uint32_t exponent = 0;
  for (; magnitude >= 0x0800U; magnitude >>= 1) exponent += 0x0400U;
  return static_cast<std::uint16_t>(sign | (magnitude + exponent));
}

/// d * (q - 8) = d * q + m with m = -8 d.
void pack_q4_0(const std::byte* block, std::int64_t n, std::byte* group) {
  const std::uint16_t scale = bits_at(block);
  put_u4(block + 2, scale, minus_eight_times(scale), n, group);
}

/// How a block of 32 goes into a group.
struct BlockPacker {
  std::int64_t bytes;  // of a block
  void (*pack)(const std::byte* block, std::int64_t n, std::byte* group);
};

BlockPacker packer_of(DType dtype) {
  switch (dtype) {
    case DType::q4_0:
      return {18, pack_q4_0};
    case DType::q5_0:
      return {22, pack_q5_0};
    case DType::iq4_nl:
      return {18, pack_iq4_nl};
    case DType::q8_0:
      return {34, pack_q8_0};
    default:
      return {20, pack_q4_1};
  }
}

/// Outputs beyond N are zero: a scale of 0.
void pack_blocks(const PanelLayout& layout, const Source& source, std::byte* panel) {
  const std::int64_t group_bytes = layout.kind == PanelKind::u8 ? kU8GroupBytes : kU4GroupBytes;
  const BlockPacker packer = packer_of(source.dtype);
  const std::int64_t groups = (layout.K + kGroup - 1) / kGroup;
  if (source.rows_left < kPanelWidth) {
    for (std::int64_t i = 0; i < groups * group_bytes; ++i) panel[i] = std::byte{0};
  }
  const std::int64_t rows = source.rows_left < kPanelWidth ? source.rows_left : kPanelWidth;
  for (std::int64_t n = 0; n < rows; ++n) {
    const std::byte* block = source.rows + n * source.row_bytes;
    for (std::int64_t g = 0; g < groups; ++g, block += packer.bytes) {
      packer.pack(block, n, panel + g * group_bytes);
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
