// Random weights and activations for the kernels' tests.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "kernel/table.h"
#include "quant/dtype.h"

namespace pomona::kernel::testing {

/// Levels that this machine can run.
inline std::vector<simd::Level> levels() {
  std::vector<simd::Level> all;
  for (const simd::Level level : {simd::Level::portable, simd::Level::avx2, simd::Level::avx512}) {
    if (level <= simd::highest_level()) all.push_back(level);
  }
  return all;
}

/// Reproducible values in [-1, 1).
class Values {
 public:
  explicit Values(std::uint64_t seed) : state_(seed) {}
  float next() {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return (static_cast<float>(state_ >> 40) - 8388608.0F) / 8388608.0F;
  }
  std::vector<float> many(std::int64_t n) {
    std::vector<float> values(static_cast<std::size_t>(n));
    for (float& value : values) value = next();
    return values;
  }

 private:
  std::uint64_t state_;
};

/// The type that a panel kind is packed from in these tests.
inline DType source_of(PanelKind kind) {
  switch (kind) {
    case PanelKind::f32:
      return DType::f32;
    case PanelKind::bf16:
      return DType::bf16;
    case PanelKind::u8:
      return DType::q8_0;
    case PanelKind::u4:
      return DType::q4_1;
  }
  return DType::f32;
}

/// A matrix (N, K) in a file's layout.
struct Stored {
  DType dtype;
  std::int64_t N;
  std::int64_t K;
  std::vector<std::byte> bytes;

  Stored(DType type, std::int64_t n, std::int64_t k, const std::vector<float>& values)
      : Stored(type, n, k) {
    for (std::int64_t row = 0; row < N; ++row)
      info(dtype).pack(values.data() + row * K, nullptr, bytes.data() + row * row_bytes(), K);
  }
  /// All bytes zero.
  Stored(DType type, std::int64_t n, std::int64_t k)
      : dtype(type), N(n), K(k), bytes(static_cast<std::size_t>(bytes_of(type, n * k))) {}
  std::int64_t row_bytes() const { return bytes_of(dtype, K); }
  std::vector<float> decoded() const {
    std::vector<float> values(static_cast<std::size_t>(N * K));
    info(dtype).unpack(bytes.data(), values.data(), N * K);
    return values;
  }
};

inline std::vector<std::byte> pack(const Table& table, const PanelLayout& layout,
                                   const Stored& stored) {
  std::vector<std::byte> panels(static_cast<std::size_t>(layout.bytes()));
  for (std::int64_t p = 0; p < layout.panels(); ++p) {
    table.pack_panel(layout, stored.dtype,
                     stored.bytes.data() + p * kPanelWidth * stored.row_bytes(), stored.row_bytes(),
                     stored.N - p * kPanelWidth, panels.data() + p * layout.panel_bytes());
  }
  return panels;
}

inline std::vector<std::byte> prepare(const Table& table, PanelKind kind,
                                      const std::vector<float>& x, std::int64_t T, std::int64_t K) {
  std::vector<std::byte> rows(static_cast<std::size_t>(T * prepared_row_bytes(kind, K)));
  table.prepare_rows(kind, x.data(), K, rows.data(), T, K);
  return rows;
}

/// What the GEMM of `kind` sees of the activations: prepared row t, decoded.
inline std::vector<float> decode_row(PanelKind kind, const std::byte* row, std::int64_t K) {
  std::vector<float> values(static_cast<std::size_t>(K));
  for (std::int64_t k = 0; k < K; ++k) {
    float value = 0;
    if (kind == PanelKind::f32) {
      std::memcpy(&value, row + 4 * k, 4);
    } else if (kind == PanelKind::bf16) {
      info(DType::bf16).unpack(row + 2 * k, &value, 1);
    } else {
      Int8Group group;
      std::memcpy(&group, row + k / kGroup * static_cast<std::int64_t>(sizeof group), sizeof group);
      value = group.scale * static_cast<float>(group.q[k % kGroup]);
    }
    values[static_cast<std::size_t>(k)] = value;
  }
  return values;
}

}  // namespace pomona::kernel::testing
