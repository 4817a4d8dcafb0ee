// Reads weights back from panels: what the kernels' tests compare with.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "kernel/panel.h"
#include "quant/dtype.h"

namespace pomona::kernel::testing {

/// Bytes of column n within a group of u8 or u4 panels: quads of four, 64 columns side by side.
inline void gather_quads(const std::byte* group, std::int64_t n, std::int64_t quads,
                         std::byte* bytes) {
  for (std::int64_t quad = 0; quad < quads; ++quad)
    std::memcpy(bytes + 4 * quad, group + (quad * kPanelWidth + n) * 4, 4);
}

/// 32 values of a u8 group, by way of the Q8_0 block that has them.
inline void read_u8(const std::byte* group, std::int64_t n, float* values) {
  std::byte block[34];
  std::memcpy(block, group + 32 * kPanelWidth + 2 * n, 2);
  gather_quads(group, n, 8, block + 2);
  for (std::int64_t i = 2; i < 34; ++i) block[i] ^= std::byte{0x80};  // signed again
  info(DType::q8_0).unpack(block, values, kGroup);
}

/// 32 values of a u4 group, by way of the Q4_1 block that has them.
inline void read_u4(const std::byte* group, std::int64_t n, float* values) {
  std::byte block[20];
  std::memcpy(block, group + 16 * kPanelWidth + 2 * n, 2);
  std::memcpy(block + 2, group + 18 * kPanelWidth + 2 * n, 2);
  gather_quads(group, n, 4, block + 4);
  info(DType::q4_1).unpack(block, values, kGroup);
}

/// Output row n of a packed matrix, K values; rows beyond N are those that packing adds.
inline std::vector<float> read_row(const PanelLayout& layout, const std::byte* panels,
                                   std::int64_t n) {
  const std::byte* panel = panels + n / kPanelWidth * layout.panel_bytes();
  const std::int64_t column = n % kPanelWidth;
  std::vector<float> values(static_cast<std::size_t>(layout.K));
  for (std::int64_t k = 0; k < layout.K; ++k) {
    float* const value = values.data() + k;
    if (layout.kind == PanelKind::f32) {
      std::memcpy(value, panel + (k * kPanelWidth + column) * 4, 4);
    } else if (layout.kind == PanelKind::bf16) {
      info(DType::bf16).unpack(panel + (k / 2 * kPanelWidth + column) * 4 + k % 2 * 2, value, 1);
    } else if (k % kGroup == 0 && layout.kind == PanelKind::u8) {
      read_u8(panel + k / kGroup * kU8GroupBytes, column, value);
    } else if (k % kGroup == 0) {
      read_u4(panel + k / kGroup * kU4GroupBytes, column, value);
    }
  }
  return values;
}

}  // namespace pomona::kernel::testing
