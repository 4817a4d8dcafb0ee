// GEMM of every panel kind at every level of this machine, against a sum in f64 over the decoded
// inputs. Bound: each of the at most K + 2 roundings errs by u = 2^-24 of the sum of magnitudes so
// far.
#include <gtest/gtest.h>

#include "tests/kernel/panel_reader.h"
#include "tests/kernel/weights.h"

namespace pomona::kernel {
namespace {

using testing::Stored;
using testing::Values;

struct Case {
  PanelKind kind;
  std::int64_t T;
  std::int64_t N;
  std::int64_t K;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const PanelKind kind : {PanelKind::f32, PanelKind::bf16, PanelKind::u8, PanelKind::u4}) {
    const bool blocks = kind == PanelKind::u8 || kind == PanelKind::u4;
    for (std::int64_t T = 1; T <= 17; ++T) all.push_back({kind, T, 70, blocks ? 96 : 77});
    all.push_back({kind, 67, 193, blocks ? 608 : 601});
    all.push_back({kind, 67, 64, blocks ? 32 : 1});
    all.push_back({kind, 1, 1, blocks ? 32 : 3});
    all.push_back({kind, 40, 65, blocks ? 4160 : 4099});
  }
  return all;
}

struct Product {
  std::vector<std::byte> rows;
  std::vector<std::byte> panels;
  Case size;

  Product(const Table& table, const Case& c, const std::vector<float>& x,
          const std::vector<float>& w)
      : rows(testing::prepare(table, c.kind, x, c.T, c.K)),
        panels(testing::pack(table, {c.kind, c.N, c.K},
                             Stored(testing::source_of(c.kind), c.N, c.K, w))),
        size(c) {}

  /// y must hold T rows of `stride` floats.
  void run(const Table& table, float* y, std::int64_t stride, bool accumulate) const {
    table.gemm[static_cast<int>(size.kind)](
        {rows.data(), panels.data(), y, stride, size.T, size.N, size.K, accumulate});
  }

  GemmCall part(std::int64_t row, std::int64_t T, std::int64_t panel, std::int64_t N, float* y,
                std::int64_t stride) const {
    return {rows.data() + row * prepared_row_bytes(size.kind, size.K),
            panels.data() + panel * PanelLayout{size.kind, size.N, size.K}.panel_bytes(),
            y + row * stride + panel * kPanelWidth,
            stride,
            T,
            N,
            size.K,
            false};
  }
};

std::string describe(const Table& table, const Case& c) {
  return std::string(simd::name_of(table.level)) + " kind " +
         std::to_string(static_cast<int>(c.kind)) + " T " + std::to_string(c.T) + " N " +
         std::to_string(c.N) + " K " + std::to_string(c.K);
}

void expect_product(const Table& table, const Case& c, bool accumulate) {
  SCOPED_TRACE(describe(table, c));
  Values random(static_cast<std::uint64_t>(c.T * 1000 + c.K));
  const Product product(table, c, random.many(c.T * c.K), random.many(c.N * c.K));
  const std::int64_t stride = c.N + 3;
  const std::vector<float> before = random.many(c.T * stride);
  std::vector<float> y = before;
  product.run(table, y.data(), stride, accumulate);

  for (std::int64_t n = 0; n < c.N; ++n) {
    const std::vector<float> w = testing::read_row({c.kind, c.N, c.K}, product.panels.data(), n);
    // An affine weight is multiplied in two parts, each as large as the range of its group.
    double range = 0;
    for (const float value : w) range = std::fmax(range, std::fabs(value));
    for (std::int64_t t = 0; t < c.T; ++t) {
      const std::vector<float> a = testing::decode_row(
          c.kind, product.rows.data() + t * prepared_row_bytes(c.kind, c.K), c.K);
      const float start = accumulate ? before[static_cast<std::size_t>(t * stride + n)] : 0.0F;
      double sum = start;
      double magnitude = std::fabs(start);
      for (std::size_t k = 0; k < a.size(); ++k) {
        sum += static_cast<double>(a[k]) * w[k];
        magnitude += std::fabs(a[k]) * (c.kind == PanelKind::u4 ? 3 * range : std::fabs(w[k]));
      }
      ASSERT_NEAR(y[static_cast<std::size_t>(t * stride + n)], sum,
                  static_cast<double>(c.K + 2) * 0x1p-24 * magnitude)
          << "row " << t << " output " << n;
    }
  }
  for (std::int64_t t = 0; t < c.T; ++t) {
    for (std::int64_t n = c.N; n < stride; ++n) {
      const auto i = static_cast<std::size_t>(t * stride + n);
      ASSERT_EQ(y[i], before[i]) << "wrote beyond the outputs, row " << t << " column " << n;
    }
  }
}

TEST(Gemm, MatchesSumInDoublePrecision) {
  for (const simd::Level level : testing::levels()) {
    for (const Case& c : cases()) {
      expect_product(table(level), c, false);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(Gemm, AddsToWhatIsThere) {
  for (const simd::Level level : testing::levels()) {
    for (const Case& c : cases()) {
      expect_product(table(level), c, true);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(Gemm, SmallIntegersAreExact) {
  for (const simd::Level level : testing::levels()) {
    for (const PanelKind kind : {PanelKind::f32, PanelKind::bf16}) {
      const Case c{kind, 13, 71, 333};
      std::vector<float> x;
      std::vector<float> w;
      for (std::int64_t i = 0; i < c.T * c.K; ++i)
        x.push_back(static_cast<float>((i * 7 + i / 5) % 17 - 8));
      for (std::int64_t i = 0; i < c.N * c.K; ++i)
        w.push_back(static_cast<float>((i * 5 + i / 3) % 15 - 7));
      std::vector<float> y(static_cast<std::size_t>(c.T * c.N));
      Product(table(level), c, x, w).run(table(level), y.data(), c.N, false);
      for (std::int64_t t = 0; t < c.T; ++t) {
        for (std::int64_t n = 0; n < c.N; ++n) {
          float sum = 0;
          for (std::int64_t k = 0; k < c.K; ++k) {
            sum +=
                x[static_cast<std::size_t>(t * c.K + k)] * w[static_cast<std::size_t>(n * c.K + k)];
          }
          ASSERT_EQ(y[static_cast<std::size_t>(t * c.N + n)], sum) << describe(table(level), c);
        }
      }
    }
  }
}

/// Integer sums are the same at every level, so with scales that are powers of two the results are.
TEST(Gemm, IntegerProductsAreExactAtTheEdgesOfTheirRange) {
  constexpr std::int64_t T = 9;
  constexpr std::int64_t N = 64;
  constexpr std::int64_t K = 64;
  std::vector<float> x(T * K);
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] = i % 3 == 0 ? -127.0F : (i % 7 == 0 ? 0.0F : 127.0F);
  for (const PanelKind kind : {PanelKind::u8, PanelKind::u4}) {
    Stored stored(testing::source_of(kind), N, K, std::vector<float>(N * K));
    const std::int64_t block = info(stored.dtype).bytes;
    for (std::size_t b = 0; b < stored.bytes.size(); b += static_cast<std::size_t>(block)) {
      const std::uint16_t one = 0x3c00;
      std::memcpy(stored.bytes.data() + b, &one, 2);
      for (std::size_t i = kind == PanelKind::u8 ? 2 : 4; i < static_cast<std::size_t>(block);
           ++i) {
        const std::size_t which = (b + i) % 4;
        stored.bytes[b + i] = std::byte(which == 0   ? 0x80
                                        : which == 1 ? 0x7f
                                        : which == 2 ? 0xff
                                                     : 0x81);
      }
    }
    const std::vector<float> w = stored.decoded();
    for (const simd::Level level : testing::levels()) {
      const Table& kernels = table(level);
      const std::vector<std::byte> rows = testing::prepare(kernels, kind, x, T, K);
      const std::vector<std::byte> panels = testing::pack(kernels, {kind, N, K}, stored);
      std::vector<float> y(T * N);
      kernels.gemm[static_cast<int>(kind)](
          {rows.data(), panels.data(), y.data(), N, T, N, K, false});
      for (std::int64_t t = 0; t < T; ++t) {
        for (std::int64_t n = 0; n < N; ++n) {
          float sum = 0;
          for (std::int64_t k = 0; k < K; ++k) {
            sum += x[static_cast<std::size_t>(t * K + k)] * w[static_cast<std::size_t>(n * K + k)];
          }
          ASSERT_EQ(y[static_cast<std::size_t>(t * N + n)], sum)
              << simd::name_of(level) << " kind " << static_cast<int>(kind) << " row " << t
              << " output " << n;
        }
      }
    }
  }
}

TEST(Gemm, SameBitsForAnyBatchAndAnyCut) {
  for (const simd::Level level : testing::levels()) {
    const Table& kernels = table(level);
    for (const PanelKind kind : {PanelKind::f32, PanelKind::bf16, PanelKind::u8, PanelKind::u4}) {
      const Case c{kind, 67, 193, 4096};
      SCOPED_TRACE(describe(kernels, c));
      Values random(5);
      const Product product(kernels, c, random.many(c.T * c.K), random.many(c.N * c.K));
      std::vector<float> whole(static_cast<std::size_t>(c.T * c.N));
      product.run(kernels, whole.data(), c.N, false);
      const auto gemm = kernels.gemm[static_cast<int>(kind)];
      for (const std::int64_t rows : {1, 2, 3, 4, 5, 7, 16, 17}) {
        std::vector<float> cut(whole.size());
        for (std::int64_t row = 0; row < c.T; row += rows) {
          gemm(product.part(row, std::min(rows, c.T - row), 0, c.N, cut.data(), c.N));
        }
        ASSERT_EQ(std::memcmp(cut.data(), whole.data(), whole.size() * sizeof(float)), 0)
            << rows << " rows a call";
      }
      std::vector<float> cut(whole.size());
      for (std::int64_t p = 0; p * kPanelWidth < c.N; ++p) {
        gemm(
            product.part(0, c.T, p, std::min(kPanelWidth, c.N - p * kPanelWidth), cut.data(), c.N));
      }
      ASSERT_EQ(std::memcmp(cut.data(), whole.data(), whole.size() * sizeof(float)), 0)
          << "one panel a call";
    }
  }
}

TEST(Gemm, InfinityAndNanInInputsReachOnlyTheirOutputs) {
  for (const simd::Level level : testing::levels()) {
    const Table& kernels = table(level);
    for (const PanelKind kind : {PanelKind::f32, PanelKind::bf16, PanelKind::u8, PanelKind::u4}) {
      const Case c{kind, 3, 64, 64};
      std::vector<float> x(static_cast<std::size_t>(c.T * c.K), 1.0F);
      x[64] = std::numeric_limits<float>::infinity();
      x[128] = std::numeric_limits<float>::quiet_NaN();
      std::vector<float> y(static_cast<std::size_t>(c.T * c.N));
      Product(kernels, c, x, std::vector<float>(static_cast<std::size_t>(c.N * c.K), 0.5F))
          .run(kernels, y.data(), c.N, false);
      EXPECT_NEAR(y[0], 32.0F, 0.3) << describe(kernels, c);
      EXPECT_FALSE(std::isfinite(y[64])) << describe(kernels, c);
      EXPECT_TRUE(std::isnan(y[128])) << describe(kernels, c);
    }
  }
}

}  // namespace
}  // namespace pomona::kernel
