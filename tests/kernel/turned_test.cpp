// Operands of products that run the other way have the bytes that the transposed matrix would give.
#include <gtest/gtest.h>

#include "tests/kernel/panel_reader.h"
#include "tests/kernel/weights.h"

namespace pomona::kernel {
namespace {

using testing::Stored;
using testing::Values;

/// (rows, columns) -> (columns, rows).
std::vector<float> transposed(const std::vector<float>& x, std::int64_t rows,
                              std::int64_t columns) {
  std::vector<float> y(x.size());
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < columns; ++c)
      y[static_cast<std::size_t>(c * rows + r)] = x[static_cast<std::size_t>(r * columns + c)];
  }
  return y;
}

TEST(Turned, PanelsAreThoseOfTheTransposedMatrix) {
  for (const simd::Level level : testing::levels()) {
    for (const PanelKind kind : {PanelKind::f32, PanelKind::bf16}) {
      for (const DType dtype : {DType::f32, DType::bf16, DType::q4_1, DType::q8_0}) {
        for (const std::int64_t inner : {1, 2, 37, 64}) {
          for (const std::int64_t outputs : {32, 64, 96, 320}) {
            const Stored stored(dtype, inner, outputs, Values(7).many(inner * outputs));
            const PanelLayout layout{kind, outputs, inner};
            const Stored turned(DType::f32, outputs, inner,
                                transposed(stored.decoded(), inner, outputs));
            const std::vector<std::byte> expected = testing::pack(table(level), layout, turned);
            std::vector<std::byte> panels(expected.size(), std::byte{0x5a});
            const std::int64_t row_bytes = bytes_of(dtype, outputs);
            for (std::int64_t first = 0; first < inner; first += 16) {
              table(level).pack_turned(layout, dtype, stored.bytes.data() + first * row_bytes,
                                       row_bytes, first, std::min<std::int64_t>(16, inner - first),
                                       panels.data());
            }
            ASSERT_EQ(panels, expected) << simd::name_of(level) << ' ' << info(dtype).name << ' '
                                        << inner << ' ' << outputs;
          }
        }
      }
    }
  }
}

TEST(Turned, RowsAreThoseOfTheTransposedMatrix) {
  for (const simd::Level level : testing::levels()) {
    for (const PanelKind kind : {PanelKind::f32, PanelKind::bf16}) {
      for (const std::int64_t T : {1, 2, 31, 33, 64}) {
        for (const std::int64_t N : {1, 7, 16, 70}) {
          const std::vector<float> x = Values(8).many(T * N);
          const std::vector<std::byte> expected =
              testing::prepare(table(level), kind, transposed(x, T, N), N, T);
          std::vector<std::byte> rows(expected.size(), std::byte{0x5a});
          table(level).prepare_turned(kind, x.data(), N, rows.data(), T, N);
          const std::int64_t row_bytes = prepared_row_bytes(kind, T);
          const auto used =
              static_cast<std::size_t>(kind == PanelKind::f32 ? 4 * T : (T + 1) / 2 * 4);
          for (std::int64_t n = 0; n < N; ++n) {
            ASSERT_EQ(
                std::memcmp(rows.data() + n * row_bytes, expected.data() + n * row_bytes, used), 0)
                << simd::name_of(level) << ' ' << T << ' ' << N << " row " << n;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace pomona::kernel
