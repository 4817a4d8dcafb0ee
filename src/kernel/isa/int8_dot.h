// Exact integer dot products of a group: 32 weights with 32 activations, in steps of quads. U8Dot
// takes weights 0..255 that stand for -128..127, U4Dot weights 0..15; activations are -127..127.
#pragma once
#include "kernel/panel.h"
#include "simd/vec.h"

namespace pomona::kernel::POMONA_LEVEL {
namespace {

using namespace simd::POMONA_LEVEL;

using Bytes = Vec<std::uint8_t>;
using Ints = Vec<std::int32_t>;

/// The four activations of quad `quad` in every lane.
[[gnu::always_inline]] inline Ints broadcast_quad(const std::int8_t* q, int quad) {
  std::int32_t four;
  __builtin_memcpy(&four, q + 4 * quad, sizeof four);
  return broadcast(four);
}

#if POMONA_LEVEL_ID == 2

struct U4Dot {
  using Sum = Ints;
  [[gnu::always_inline]] static Sum begin(const Int8Group&) { return Sum{}; }
  [[gnu::always_inline]] static Sum add(Sum sum, Bytes weights, Ints quad) {
    return dot_u8s8(sum, weights, quad);
  }
  [[gnu::always_inline]] static Ints end(Sum sum) { return sum; }
};

struct U8Dot : U4Dot {
  [[gnu::always_inline]] static Sum begin(const Int8Group& group) {
    return broadcast(group.minus128);
  }
};

#elif POMONA_LEVEL_ID == 1

/// Keeps the compiler from adding up terms before it adds them to the sum, which takes more
/// registers than there are.
template <class V>
[[gnu::always_inline]] inline V in_order(V sum) {
  asm("" : "+x"(sum));
  return sum;
}

/// vpmaddubsw adds pairs of products in 16 bits: 8 quads of at most 2 * 15 * 127 stay below 2^15.
struct U4Dot {
  using Sum = Vec<std::int16_t>;
  [[gnu::always_inline]] static Sum begin(const Int8Group&) { return Sum{}; }
  [[gnu::always_inline]] static Sum add(Sum sum, Bytes weights, Ints quad) {
    return in_order(sum + (Sum)_mm256_maddubs_epi16((__m256i)weights, (__m256i)quad));
  }
  [[gnu::always_inline]] static Ints end(Sum sum) {
    return (Ints)_mm256_madd_epi16((__m256i)sum, _mm256_set1_epi16(1));
  }
};

/// Here one pair of products would not fit. So the weight's sign moves to the activation, which has
/// no -128: |w| <= 128 times at most 127, twice, stays below 2^15.
struct U8Dot {
  using Sum = Ints;
  [[gnu::always_inline]] static Sum begin(const Int8Group&) { return Sum{}; }
  [[gnu::always_inline]] static Sum add(Sum sum, Bytes weights, Ints quad) {
    const __m256i w = (__m256i)(weights ^ 0x80);
    const __m256i products =
        _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8((__m256i)quad, w));
    return in_order(sum + (Ints)_mm256_madd_epi16(products, _mm256_set1_epi16(1)));
  }
  [[gnu::always_inline]] static Ints end(Sum sum) { return sum; }
};

#else

/// Even and odd bytes apart, in 16 bits, where one product fits: 255 * 127 < 2^15.
struct U4Dot {
  using Sum = Ints;
  [[gnu::always_inline]] static Sum begin(const Int8Group&) { return Sum{}; }
  [[gnu::always_inline]] static Sum add(Sum sum, Bytes weights, Ints quad) {
    const auto w = bits_as<Vec<std::uint16_t> >(weights);
    const auto a = bits_as<Vec<std::int16_t> >(quad);
    const Vec<std::int16_t> even = bits_as<Vec<std::int16_t> >(w & 255) * ((a << 8) >> 8);
    const Vec<std::int16_t> odd = bits_as<Vec<std::int16_t> >(w >> 8) * (a >> 8);
    return sum + halves(even) + halves(odd);
  }
  [[gnu::always_inline]] static Ints end(Sum sum) { return sum; }

 private:
  [[gnu::always_inline]] static Ints halves(Vec<std::int16_t> v) {
    const Ints pair = bits_as<Ints>(v);
    return ((pair << 16) >> 16) + (pair >> 16);
  }
};

struct U8Dot : U4Dot {
  [[gnu::always_inline]] static Sum begin(const Int8Group& group) {
    return broadcast(group.minus128);
  }
};

#endif

}  // namespace
}  // namespace pomona::kernel::POMONA_LEVEL
