// Packing loses nothing: a row read back from panels has the bits that the file's format decodes
// to.
#include <gtest/gtest.h>

#include "tests/kernel/panel_reader.h"
#include "tests/kernel/weights.h"

namespace pomona::kernel {
namespace {

using testing::Stored;
using testing::Values;

void expect_rows(const Table& table, const PanelLayout& layout, const Stored& stored,
                 const std::vector<float>& expected) {
  const std::vector<std::byte> panels = testing::pack(table, layout, stored);
  for (std::int64_t n = 0; n < layout.N; ++n) {
    const std::vector<float> row = testing::read_row(layout, panels.data(), n);
    ASSERT_EQ(std::memcmp(row.data(), expected.data() + n * layout.K, row.size() * sizeof(float)),
              0)
        << simd::name_of(table.level) << ' ' << info(stored.dtype).name << " row " << n;
  }
}

TEST(Pack, EveryFormatIsExactInF32AndInItsNativePanel) {
  for (const simd::Level level : testing::levels()) {
    for (const DType dtype :
         {DType::f64, DType::f32, DType::bf16, DType::f16, DType::q4_1, DType::q5_0, DType::q8_0}) {
      for (const std::int64_t N : {1, 64, 70, 130}) {
        const std::int64_t K = is_block_format(dtype) ? 96 : 77;
        const Stored stored(dtype, N, K, Values(static_cast<std::uint64_t>(N)).many(N * K));
        expect_rows(table(level), {PanelKind::f32, N, K}, stored, stored.decoded());
        if (dtype != DType::f16)
          expect_rows(table(level), {native_panel(dtype), N, K}, stored, stored.decoded());
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(Pack, Bf16PanelRoundsToNearestEven) {
  for (const simd::Level level : testing::levels()) {
    for (const DType dtype : {DType::f32, DType::q4_1, DType::f16}) {
      const Stored stored(dtype, 70, 96, Values(3).many(70 * 96));
      const Stored rounded(DType::bf16, 70, 96, stored.decoded());
      expect_rows(table(level), {PanelKind::bf16, 70, 96}, stored, rounded.decoded());
      if (HasFatalFailure()) return;
    }
  }
}

TEST(Pack, LevelsWriteTheSameBytesAndZerosBeyondTheMatrix) {
  for (const PanelKind kind : {PanelKind::f32, PanelKind::bf16, PanelKind::u8, PanelKind::u4}) {
    const PanelLayout layout{kind, 70, 96};
    const Stored stored(testing::source_of(kind), 70, 96, Values(4).many(70 * 96));
    const std::vector<std::byte> reference =
        testing::pack(table(simd::Level::portable), layout, stored);
    EXPECT_EQ(testing::read_row(layout, reference.data(), 100), std::vector<float>(96));
    for (const simd::Level level : testing::levels())
      EXPECT_EQ(testing::pack(table(level), layout, stored), reference);
  }
}

TEST(Pack, EveryCodeSurvivesWithAnyScale) {
  for (const DType dtype : {DType::q8_0, DType::q4_1, DType::q4_0, DType::q5_0, DType::iq4_nl}) {
    const std::int64_t K = 256;
    Stored stored(dtype, 1, K);
    const auto block = static_cast<std::size_t>(info(dtype).bytes);
    // Scales: one, -2, the smallest subnormal, the largest, infinity, NaN, zero, minus zero.
    std::uint16_t scales[8] = {0x3c00, 0xc000, 0x0001, 0x7bff, 0x7c00, 0x7e00, 0x0000, 0x8000};
    if (dtype == DType::q4_0) {  // its panel holds -8 d: as large as an f16 can be, and subnormals
      scales[3] = 0x6fff;
      scales[4] = 0x83ff;
    }
    for (std::size_t i = 0; i < stored.bytes.size(); ++i) stored.bytes[i] = std::byte(i * 37 % 256);
    for (std::size_t b = 0; b < 8; ++b) {
      std::memcpy(stored.bytes.data() + b * block, &scales[b], 2);
      if (dtype == DType::q4_1)
        std::memcpy(stored.bytes.data() + b * block + 2, &scales[(b + 3) % 8], 2);
    }
    const std::vector<float> expected = stored.decoded();
    for (const simd::Level level : testing::levels()) {
      const PanelLayout layout{native_panel(dtype), 1, K};
      const std::vector<std::byte> panels = testing::pack(table(level), layout, stored);
      const std::vector<float> row = testing::read_row(layout, panels.data(), 0);
      for (std::size_t k = 0; k < row.size(); ++k) {
        if (std::isnan(expected[k])) {
          EXPECT_TRUE(std::isnan(row[k])) << k;
        } else {
          EXPECT_EQ(row[k], expected[k]) << k;
        }
      }
    }
  }
}

TEST(Prepare, Int8GroupsAreSymmetricWithinHalfAStep) {
  for (const simd::Level level : testing::levels()) {
    for (const std::int64_t K : {32, 96, 576}) {
      std::vector<float> x = Values(11).many(2 * K);
      for (std::int64_t k = 0; k < 32; ++k) x[static_cast<std::size_t>(k)] = 0;
      x[static_cast<std::size_t>(K)] = 1e-38F;
      const std::vector<std::byte> rows = testing::prepare(table(level), PanelKind::u8, x, 2, K);
      for (std::int64_t t = 0; t < 2; ++t) {
        for (std::int64_t k = 0; k < K; k += kGroup) {
          Int8Group group;
          std::memcpy(&group,
                      rows.data() + t * prepared_row_bytes(PanelKind::u8, K) + k / kGroup * 44, 44);
          std::int32_t sum = 0;
          float amax = 0;
          for (std::int64_t i = 0; i < kGroup; ++i) {
            const float value = x[static_cast<std::size_t>(t * K + k + i)];
            sum += group.q[i];
            amax = std::fmax(amax, std::fabs(value));
            // x * (127 / amax) has two roundings on values up to 127.
            EXPECT_NEAR(group.q[i] * static_cast<double>(group.scale), value,
                        group.scale * (0.5 + 127 * 0x1p-22));
          }
          EXPECT_EQ(group.scale, amax / 127.0F);
          EXPECT_EQ(group.minus128, -128 * sum);
          EXPECT_EQ(group.sum, group.scale * static_cast<float>(sum));
        }
      }
    }
  }
}

TEST(Prepare, LevelsAgreeBitByBit) {
  for (const PanelKind kind : {PanelKind::f32, PanelKind::bf16, PanelKind::u8}) {
    const std::int64_t K = 608;
    const std::vector<float> x = Values(12).many(3 * K);
    const auto reference = testing::prepare(table(simd::Level::portable), kind, x, 3, K);
    for (const simd::Level level : testing::levels())
      EXPECT_EQ(testing::prepare(table(level), kind, x, 3, K), reference);
  }
}

}  // namespace
}  // namespace pomona::kernel
