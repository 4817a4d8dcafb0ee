// The KV cache's layouts and paged attention, at every level: against f64 and bit for bit against
// other ways to cut the same rows into calls.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "tests/kernel/row_support.h"

namespace pomona::kernel {
namespace {

std::uint16_t bf16_bits(float x) {
  std::uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return static_cast<std::uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
}

float bf16_rounded(float x) {
  const std::uint32_t bits = static_cast<std::uint32_t>(bf16_bits(x)) << 16;
  float y;
  std::memcpy(&y, &bits, sizeof y);
  return y;
}

/// E values as the q8 cache has them: signed bytes, the largest as 127, and their scale.
struct Q8Row {
  std::vector<int> bytes;
  float scale;

  Q8Row(const float* row, std::int64_t E) {
    float largest = 0;
    for (std::int64_t e = 0; e < E; ++e) largest = std::max(largest, std::fabs(row[e]));
    scale = largest / 127;
    const float inverse = largest > 0 ? 127 / largest : 0;
    for (std::int64_t e = 0; e < E; ++e)
      bytes.push_back(static_cast<int>(std::nearbyint(row[e] * inverse)));
  }
};

/// What a cache of `kind` has of E keys or values, exactly.
std::vector<double> decoded(KvKind kind, const float* row, std::int64_t E) {
  const Q8Row q8(row, E);
  std::vector<double> values;
  for (std::int64_t e = 0; e < E; ++e) {
    values.push_back(kind == KvKind::q8     ? static_cast<double>(q8.bytes[e]) * q8.scale
                     : kind == KvKind::bf16 ? static_cast<double>(bf16_rounded(row[e]))
                                            : static_cast<double>(row[e]));
  }
  return values;
}

/// One head's cache of T positions, its blocks in an order that is not theirs in memory.
class Cache {
 public:
  Cache(KvKind kind, std::int64_t T, std::int64_t E)
      : kind_(kind),
        E_(E),
        blocks_((T + kKvBlock - 1) / kKvBlock),
        lines_(static_cast<std::size_t>(2 * blocks_ * kv_block_bytes(kind, E)) / sizeof(Line)) {
    auto* const base = reinterpret_cast<std::byte*>(lines_.data());
    for (std::int64_t b = 0; b < blocks_; ++b) {
      const std::int64_t place = 2 * (blocks_ - 1 - b);
      keys.push_back(base + place * kv_block_bytes(kind, E));
      values.push_back(base + (place + 1) * kv_block_bytes(kind, E));
    }
  }

  void store(const Table& kernels, const float* k, const float* v, std::int64_t stride,
             std::int64_t first, std::int64_t T) {
    const auto kind = static_cast<std::size_t>(kind_);
    kernels.store_keys[kind](k, stride, keys.data(), first, T, E_);
    kernels.store_values[kind](v, stride, values.data(), first, T, E_);
  }

  bool operator==(const Cache& other) const {
    return lines_.size() == other.lines_.size() &&
           std::memcmp(lines_.data(), other.lines_.data(), lines_.size() * sizeof(Line)) == 0;
  }

  std::vector<std::byte*> keys, values;

 private:
  KvKind kind_;
  std::int64_t E_;
  std::int64_t blocks_;
  std::vector<Line> lines_;
};

struct Shape {
  std::int64_t T, group, E, window;
  float softcap = 0;
};

/// Queries, keys and values of one KV head in rows with gaps, and attention over all or some of
/// them.
struct Sequence {
  Shape shape;
  std::int64_t q_stride = shape.group * shape.E + 7;
  std::int64_t kv_stride = shape.E + 3;
  std::vector<float> q = normal(shape.T * q_stride, 1, 2);
  std::vector<float> k = normal(shape.T * kv_stride, 2);
  std::vector<float> v = normal(shape.T * kv_stride, 3);
  float scale = 1 / std::sqrt(static_cast<float>(shape.E));

  void attend(const Table& kernels, KvKind kind, const Cache& cache, std::int64_t first,
              std::int64_t positions, float* y) const {
    const auto bytes =
        static_cast<std::size_t>(attention_scratch_bytes(positions, shape.group, shape.E));
    Line garbage;
    std::fill(std::begin(garbage.values), std::end(garbage.values), std::nanf(""));
    std::vector<Line> scratch(bytes / sizeof(Line), garbage);
    AttentionCall call;
    call.q = q.data() + first * q_stride;
    call.q_stride = q_stride;
    call.y = y;
    call.y_stride = shape.group * shape.E;
    call.positions = positions;
    call.first_position = first;
    call.window = shape.window;
    call.k_blocks = cache.keys.data();
    call.v_blocks = cache.values.data();
    call.group = shape.group;
    call.E = shape.E;
    call.scale = scale;
    call.softcap = shape.softcap;
    call.scratch = reinterpret_cast<std::byte*>(scratch.data());
    kernels.paged_attention[static_cast<std::size_t>(kind)](call);
  }

  /// All rows: the cache is written, then read, `chunk` positions at a time.
  std::vector<float> run(const Table& kernels, KvKind kind, std::int64_t chunk) const {
    Cache cache(kind, shape.T, shape.E);
    std::vector<float> y(shape.T * shape.group * shape.E);
    for (std::int64_t first = 0; first < shape.T; first += chunk) {
      const std::int64_t positions = std::min(chunk, shape.T - first);
      cache.store(kernels, k.data() + first * kv_stride, v.data() + first * kv_stride, kv_stride,
                  first, positions);
      attend(kernels, kind, cache, first, positions, y.data() + first * shape.group * shape.E);
    }
    return y;
  }
};

class Paged : public testing::TestWithParam<std::tuple<simd::Level, KvKind>> {
 protected:
  const Table& kernels() const { return table(std::get<0>(GetParam())); }
  KvKind kind() const { return std::get<1>(GetParam()); }
};

INSTANTIATE_TEST_SUITE_P(Levels, Paged,
                         testing::Combine(testing::ValuesIn(levels()),
                                          testing::Values(KvKind::f32, KvKind::bf16, KvKind::q8)),
                         [](const auto& p) {
                           return std::string(simd::name_of(std::get<0>(p.param))) +
                                  (std::get<1>(p.param) == KvKind::f32    ? "_f32"
                                   : std::get<1>(p.param) == KvKind::bf16 ? "_bf16"
                                                                          : "_q8");
                         });

/// Byte i of a block of the q8 cache.
int byte_at(const std::byte* block, std::int64_t i) { return static_cast<std::int8_t>(block[i]); }

TEST_P(Paged, StoresWriteTheLayoutOfTheTable) {
  const std::int64_t T = 70, E = 48, stride = E + 5, first = 59;
  const auto k = normal(T * stride, 4), v = normal(T * stride, 5);
  Cache cache(kind(), first + T, E);
  cache.store(kernels(), k.data(), v.data(), stride, first, T);
  for (std::int64_t position = 0; position < 3 * kKvBlock; ++position) {
    const std::int64_t b = position / kKvBlock, place = position % kKvBlock;
    const bool written = position >= first && position < first + T;
    const std::vector<float> zeros(E);
    const float* const key_row = written ? &k[(position - first) * stride] : zeros.data();
    const float* const value_row = written ? &v[(position - first) * stride] : zeros.data();
    const Q8Row key_bytes(key_row, E), value_bytes(value_row, E);
    if (kind() == KvKind::q8) {
      const auto scale = [&](const std::byte* block) {
        return reinterpret_cast<const float*>(block + kKvBlock * E)[place];
      };
      EXPECT_EQ(scale(cache.keys[b]), key_bytes.scale);
      EXPECT_EQ(scale(cache.values[b]), value_bytes.scale);
    }
    for (std::int64_t e = 0; e < E; ++e) {
      const float key = key_row[e], value = value_row[e];
      if (kind() == KvKind::q8) {
        EXPECT_EQ(byte_at(cache.keys[b], (e / 4 * kKvBlock + place) * 4 + e % 4),
                  key_bytes.bytes[e]);
        EXPECT_EQ(byte_at(cache.values[b], (place / 4 * E + e) * 4 + place % 4),
                  value_bytes.bytes[e]);
      } else if (kind() == KvKind::f32) {
        EXPECT_EQ(reinterpret_cast<const float*>(cache.keys[b])[e * kKvBlock + place], key);
        EXPECT_EQ(reinterpret_cast<const float*>(cache.values[b])[place * E + e], value);
      } else {
        const auto* keys = reinterpret_cast<const std::uint16_t*>(cache.keys[b]);
        const auto* values = reinterpret_cast<const std::uint16_t*>(cache.values[b]);
        EXPECT_EQ(keys[(e / 2 * kKvBlock + place) * 2 + e % 2], bf16_bits(key));
        EXPECT_EQ(values[(place / 2 * E + e) * 2 + place % 2], bf16_bits(value));
      }
    }
  }
  Cache single(kind(), first + T, E);
  for (std::int64_t t = 0; t < T; ++t) {
    single.store(kernels(), k.data() + t * stride, v.data() + t * stride, stride, first + t, 1);
  }
  EXPECT_TRUE(single == cache);
}

const Shape kShapes[] = {
    {1, 1, 16, 0},      {5, 3, 64, 0},           {64, 1, 64, 0},   {65, 3, 64, 0},
    {200, 3, 64, 0},    {131, 8, 16, 0},         {130, 2, 80, 0},  {140, 5, 256, 0},
    {200, 3, 64, 1},    {200, 3, 64, 50},        {200, 2, 96, 64}, {300, 3, 32, 100},
    {130, 2, 64, 0, 5}, {200, 3, 32, 100, 1.5f},
};

TEST_P(Paged, AgreesWithF64) {
  const bool rounds_weights =
      kind() != KvKind::f32 && std::get<0>(GetParam()) == simd::Level::avx512;
  const bool halves = kind() == KvKind::bf16 || rounds_weights;
  for (const Shape& shape : kShapes) {
    const Sequence s{shape};
    const auto y = s.run(kernels(), kind(), shape.T);
    const std::int64_t E = shape.E;
    std::vector<std::vector<double>> keys, values;
    for (std::int64_t j = 0; j < shape.T; ++j) {
      keys.push_back(decoded(kind(), &s.k[j * s.kv_stride], E));
      values.push_back(decoded(kind(), &s.v[j * s.kv_stride], E));
    }
    for (std::int64_t row = 0; row < shape.T * shape.group; ++row) {
      const std::int64_t i = row / shape.group;
      const auto q = decoded(halves ? KvKind::bf16 : KvKind::f32,
                             s.q.data() + i * s.q_stride + row % shape.group * E, E);
      const std::int64_t from =
          shape.window > 0 ? std::max<std::int64_t>(0, i + 1 - shape.window) : 0;
      std::vector<double> scores;
      double size = 0, top = -1e300, low = 1e300;
      for (std::int64_t j = from; j <= i; ++j) {
        double score = 0, terms = 0;
        for (std::int64_t e = 0; e < E; ++e) {
          const double term = q[e] * keys[j][e];
          score += term;
          terms += std::fabs(term);
        }
        scores.push_back(score * s.scale);
        // The cap never stretches an error; it has 8 ulp of its own.
        if (shape.softcap > 0)
          scores.back() = shape.softcap * std::tanh(scores.back() / shape.softcap);
        size = std::max(size, (terms + 8 * std::fabs(score)) * s.scale);
        top = std::max(top, scores.back());
        low = std::min(low, scores.back());
      }
      double sum = 0;
      for (double& score : scores) sum += score = std::exp(score - top);
      // A weight is off by the error of its score and of the top's (E u of their terms), by its
      // exponential and that one's argument, and by its own rounding to bfloat16; the sums add u
      // for each position.
      const double relative = 2 * static_cast<double>(E + 1) * kU * size + 4 * kU * (top - low) +
                              4e-7 + static_cast<double>(i + 8) * kU +
                              (rounds_weights ? 0x1p-8 : 0);
      for (std::int64_t e = 0; e < E; ++e) {
        double want = 0, terms = 0;
        for (std::size_t j = 0; j < scores.size(); ++j) {
          const double value = values[from + static_cast<std::int64_t>(j)][e];
          want += scores[j] / sum * value;
          terms += scores[j] / sum * std::fabs(value);
        }
        ASSERT_NEAR(y[row * E + e], want, 2 * relative * terms)
            << "row " << row << " e " << e << " E " << E;
      }
    }
  }
}

TEST_P(Paged, WeightsAreExponentials) {
  // Keys with one value each make exact scores, values that are unit vectors bring out the weights.
  const std::int64_t T = 64, E = 64;
  const bool rounds_weights =
      kind() != KvKind::f32 && std::get<0>(GetParam()) == simd::Level::avx512;
  Sequence s{{T, 1, E, 0}};
  std::fill(s.q.begin(), s.q.end(), 0.0f);
  std::fill(s.k.begin(), s.k.end(), 0.0f);
  std::fill(s.v.begin(), s.v.end(), 0.0f);
  for (std::int64_t j = 0; j < T; ++j) {
    s.q[j * s.q_stride] = 1;
    s.k[j * s.kv_stride] = bf16_rounded(-0.37f * static_cast<float>(j * j) / 16);
    s.v[j * s.kv_stride + j] = 1;
  }
  const auto y = s.run(kernels(), kind(), T);
  double sum = 0;
  for (std::int64_t j = 0; j < T; ++j) sum += std::exp(s.k[j * s.kv_stride] / 8.0);
  for (std::int64_t j = 0; j < T; ++j) {
    const double score = s.k[j * s.kv_stride] / 8.0;
    const double want = std::exp(score) / sum;
    // The exponential's polynomial, its factor log2(e) and (portable) product, the sum.
    // A scale, and what is multiplied by it, are rounded.
    const double scales = kind() == KvKind::q8 ? 4 * kU * (1 + std::fabs(score)) : 0;
    const double relative =
        (rounds_weights ? 0x1p-8 : 0) + scales + 5e-7 + 3 * kU * std::fabs(score);
    EXPECT_NEAR(y[(T - 1) * E + j], want, relative * want) << j;
  }
}

TEST_P(Paged, ARowsBitsDoNotDependOnTheCall) {
  for (const Shape& shape : kShapes) {
    const Sequence s{shape};
    const auto whole = s.run(kernels(), kind(), shape.T);
    for (const std::int64_t chunk : {1, 2, 7, 33, 64, 100}) {
      const auto cut = s.run(kernels(), kind(), chunk);
      ASSERT_EQ(std::memcmp(whole.data(), cut.data(), whole.size() * sizeof(float)), 0)
          << "T " << shape.T << " group " << shape.group << " E " << shape.E << " window "
          << shape.window << " softcap " << shape.softcap << " chunk " << chunk;
    }
  }
}

TEST_P(Paged, LaterPositionsInTheCacheDoNotMatter) {
  const Sequence s{{150, 3, 64, 0}};
  Cache full(kind(), 150, 64);
  full.store(kernels(), s.k.data(), s.v.data(), s.kv_stride, 0, 150);
  const auto want = s.run(kernels(), kind(), 1);
  std::vector<float> y(3 * 64);
  for (std::int64_t position = 0; position < 150; ++position) {
    s.attend(kernels(), kind(), full, position, 1, y.data());
    ASSERT_EQ(std::memcmp(y.data(), want.data() + position * 3 * 64, y.size() * sizeof(float)), 0)
        << position;
  }
}

TEST_P(Paged, BlocksBeforeTheWindowAreNotRead) {
  const std::int64_t T = 300, E = 64, window = 70;
  const Sequence s{{T, 2, E, window}};
  const auto want = s.run(kernels(), kind(), T);
  Cache cache(kind(), T, E);
  cache.store(kernels(), s.k.data(), s.v.data(), s.kv_stride, 0, T);
  std::vector<float> y(2 * E);
  for (std::int64_t position = 0; position < T; ++position) {
    // Nothing is there to read before the window's first block.
    for (std::int64_t b = 0; b < (position + 1 - window) / kKvBlock; ++b)
      cache.keys[b] = cache.values[b] = nullptr;
    s.attend(kernels(), kind(), cache, position, 1, y.data());
    ASSERT_EQ(std::memcmp(y.data(), want.data() + position * 2 * E, y.size() * sizeof(float)), 0)
        << position;
  }
}

TEST_P(Paged, HeadsOfAGroupAreIndependent) {
  const Sequence s{{90, 3, 64, 0}};
  const auto together = s.run(kernels(), kind(), 90);
  for (std::int64_t head = 0; head < 3; ++head) {
    Sequence one{{90, 1, 64, 0}};
    one.k = s.k, one.v = s.v, one.scale = s.scale;
    for (std::int64_t i = 0; i < 90; ++i) {
      std::memcpy(&one.q[i * one.q_stride], &s.q[i * s.q_stride + head * 64], 64 * sizeof(float));
    }
    const auto alone = one.run(kernels(), kind(), 90);
    for (std::int64_t i = 0; i < 90; ++i) {
      ASSERT_EQ(std::memcmp(&alone[i * 64], &together[(i * 3 + head) * 64], 64 * sizeof(float)), 0);
    }
  }
}

TEST(PagedSizes, BlocksAndScratch) {
  EXPECT_EQ(kv_block_bytes(KvKind::f32, 64), 64 * 64 * 4);
  EXPECT_EQ(kv_block_bytes(KvKind::bf16, 64), 64 * 64 * 2);
  EXPECT_EQ(kv_block_bytes(KvKind::q8, 64), 64 * 64 + 64 * 4);
  EXPECT_LT(attention_scratch_bytes(1, 3, 64), attention_scratch_bytes(8, 3, 64));
  EXPECT_EQ(attention_scratch_bytes(512, 3, 64), attention_scratch_bytes(100000, 3, 64));
}

TEST_P(Paged, F32AgreesWithDenseAttention) {
  if (kind() != KvKind::f32) return;  // others round their inputs
  const std::int64_t T = 150, E = 64;
  const Sequence s{{T, 2, E, 0}};
  const auto paged = s.run(kernels(), kind(), T);
  std::vector<float> dense(T * E);
  for (std::int64_t head = 0; head < 2; ++head) {
    kernels().f32.attention(s.q.data() + head * E, s.q_stride, s.k.data(), s.v.data(), s.kv_stride,
                            dense.data(), E, nullptr, T, E, {static_cast<double>(s.scale)});
    // Both are within 8 (E + T) u of the oracle for values of order 1, as the dense test has it.
    for (std::int64_t i = 0; i < T * E; ++i) {
      EXPECT_NEAR(paged[(i / E * 2 + head) * E + i % E], dense[i],
                  16 * static_cast<double>(E + T) * kU);
    }
  }
}

}  // namespace
}  // namespace pomona::kernel
