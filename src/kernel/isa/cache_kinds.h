// How attention multiplies with each kind of KV cache (KvKind).
#pragma once
#include "kernel/attention_sizes.h"
#include "kernel/isa/register_tile.h"

namespace pomona::kernel::POMONA_LEVEL {
namespace {

struct F32Cache {
  using Dot = Plain<float>;
  static constexpr bool kScaled = false;

  static void put_query(const float* q, float* to, std::int64_t E) {
    for (std::int64_t e = 0; e < E; e += kLanes<float>) store(to + e, load(q + e));
  }
  [[gnu::always_inline]] static void put_weights(float* row, int vec, Vec<float> weights) {
    store(row + vec * kLanes<float>, weights);
  }
};

#if POMONA_LEVEL_ID == 2

/// Pairs of bfloat16 by the processor's dot instruction: sum + a1 b1 + a0 b0 in float.
struct Bf16Pairs {
  using Value = float;
  using A = std::uint32_t;
  using B = std::uint32_t;
  using Left = Vec<std::uint32_t>;
  using Right = Vec<std::uint32_t>;
  static constexpr std::int64_t kDepth = 2;
  static constexpr std::int64_t kRightSize = kLanes<float>;
  [[gnu::always_inline]] static Left left(const A* a) { return broadcast(*a); }
  [[gnu::always_inline]] static Right right(const B* b, Whole) { return load(b); }
  [[gnu::always_inline]] static Vec<float> add(Vec<float> sum, Left a, Right b) {
    return dot_bf16(sum, a, b);
  }
};

/// Queries and weights are rounded to bfloat16.
struct Bf16Cache {
  using Dot = Bf16Pairs;
  static constexpr bool kScaled = false;

  static void put_query(const float* q, std::uint32_t* to, std::int64_t E) {
    for (std::int64_t e = 0; e < E; e += kLanes<float>) {
      store_bf16(reinterpret_cast<std::uint16_t*>(to) + e, load(q + e));
    }
  }
  [[gnu::always_inline]] static void put_weights(std::uint32_t* row, int vec, Vec<float> weights) {
    const __m256bh rounded = _mm512_cvtneps_pbh((__m512)weights);
    __builtin_memcpy(row + vec * kLanes<float> / 2, &rounded, sizeof rounded);
  }
};

/// Four signed bytes in a lane as two pairs of bfloat16, which holds them exactly.
struct BytesAsPairs {
  struct Two {
    std::uint32_t pair[2];
  };
  struct Vectors {
    Vec<std::uint32_t> pair[2];
  };
  using Value = float;
  using A = Two;
  using B = std::uint32_t;
  using Left = Vectors;
  using Right = Vectors;
  static constexpr std::int64_t kDepth = 4;
  static constexpr std::int64_t kRightSize = kLanes<float>;
  [[gnu::always_inline]] static Left left(const A* a) {
    return {{broadcast(a->pair[0]), broadcast(a->pair[1])}};
  }
  [[gnu::always_inline]] static Right right(const B* b, Whole) {
    const Vec<std::int32_t> bytes = bits_as<Vec<std::int32_t> >(load(b));
    return {{joined((bytes << 24) >> 24, (bytes << 16) >> 24),
             joined((bytes << 8) >> 24, bytes >> 24)}};
  }
  [[gnu::always_inline]] static Vec<float> add(Vec<float> sum, const Left& a, const Right& b) {
    return dot_bf16(dot_bf16(sum, a.pair[0], b.pair[0]), a.pair[1], b.pair[1]);
  }

 private:
  [[gnu::always_inline]] static Vec<std::uint32_t> joined(Vec<std::int32_t> even,
                                                          Vec<std::int32_t> odd) {
    return (bits_as<Vec<std::uint32_t> >(to_float(even)) >> 16) |
           bits_as<Vec<std::uint32_t> >(to_float(odd));
  }
};

/// Queries and weights are rounded to bfloat16; each position has a scale, by which its score and
/// its weight are multiplied.
struct Q8Cache {
  using Dot = BytesAsPairs;
  static constexpr bool kScaled = true;

  static void put_query(const float* q, Dot::Two* to, std::int64_t E) {
    Bf16Cache::put_query(q, to->pair, E);
  }
  [[gnu::always_inline]] static void put_weights(Dot::Two* row, int vec, Vec<float> weights) {
    Bf16Cache::put_weights(row->pair, vec, weights);
  }
};

#else

/// Pairs of bfloat16 widened to float, the even one first.
struct Bf16Widened {
  struct Pair {
    float even;
    float odd;
  };
  struct Vectors {
    Vec<float> even;
    Vec<float> odd;
  };
  using Value = float;
  using A = Pair;
  using B = std::uint32_t;
  using Left = Vectors;
  using Right = Vectors;
  static constexpr std::int64_t kDepth = 2;
  static constexpr std::int64_t kRightSize = kLanes<float>;
  [[gnu::always_inline]] static Left left(const A* a) {
    return {broadcast(a->even), broadcast(a->odd)};
  }
  [[gnu::always_inline]] static Right right(const B* b, Whole) {
    const Vec<std::uint32_t> pairs = load(b);
    return {bits_as<Vec<float> >(pairs << 16), bits_as<Vec<float> >(pairs & 0xffff0000U)};
  }
  [[gnu::always_inline]] static Vec<float> add(Vec<float> sum, Left a, Right b) {
    return fma(a.odd, b.odd, fma(a.even, b.even, sum));
  }
};

/// Queries are rounded to bfloat16, as on avx512; weights stay float.
struct Bf16Cache {
  using Dot = Bf16Widened;
  static constexpr bool kScaled = false;

  static void put_query(const float* q, Dot::Pair* to, std::int64_t E) {
    for (std::int64_t e = 0; e < E; e += kLanes<float>) {
      store(&to->even + e, bits_as<Vec<float> >(bf16_bits(load(q + e)) << 16));
    }
  }
  [[gnu::always_inline]] static void put_weights(Dot::Pair* row, int vec, Vec<float> weights) {
    store(&row->even + vec * kLanes<float>, weights);
  }
};

/// Four signed bytes in a lane, widened to float, the lowest first.
struct BytesWidened {
  struct Four {
    float value[4];
  };
  struct Vectors {
    Vec<float> value[4];
  };
  using Value = float;
  using A = Four;
  using B = std::uint32_t;
  using Left = Vectors;
  using Right = Vectors;
  static constexpr std::int64_t kDepth = 4;
  static constexpr std::int64_t kRightSize = kLanes<float>;
  [[gnu::always_inline]] static Left left(const A* a) {
    return {{broadcast(a->value[0]), broadcast(a->value[1]), broadcast(a->value[2]),
             broadcast(a->value[3])}};
  }
  [[gnu::always_inline]] static Right right(const B* b, Whole) {
    const Vec<std::int32_t> bytes = bits_as<Vec<std::int32_t> >(load(b));
    return {{to_float((bytes << 24) >> 24), to_float((bytes << 16) >> 24),
             to_float((bytes << 8) >> 24), to_float(bytes >> 24)}};
  }
  [[gnu::always_inline]] static Vec<float> add(Vec<float> sum, const Left& a, const Right& b) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) sum = fma(a.value[i], b.value[i], sum);
    return sum;
  }
};

/// Queries and weights stay float; each position has a scale, by which its score and its weight are
/// multiplied.
struct Q8Cache {
  using Dot = BytesWidened;
  static constexpr bool kScaled = true;

  static void put_query(const float* q, Dot::Four* to, std::int64_t E) {
    F32Cache::put_query(q, to->value, E);
  }
  [[gnu::always_inline]] static void put_weights(Dot::Four* row, int vec, Vec<float> weights) {
    store(row->value + vec * kLanes<float>, weights);
  }
};

#endif

}  // namespace
}  // namespace pomona::kernel::POMONA_LEVEL
