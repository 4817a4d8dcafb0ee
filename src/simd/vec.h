// Vectors of the level a file is compiled for: Vec<T> over the compilers' vector extensions (so +,
// -, *, /, comparisons and ?: are the language's own), and the few operations that have no
// operator. Only files that are compiled once per level (cmake/Kernels.cmake) include this;
// everything in it has internal linkage, so no level's code can stand in for another's.
#pragma once
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#if POMONA_LEVEL_ID >= 1
#include <immintrin.h>
#endif

namespace pomona::simd::POMONA_LEVEL {
namespace {

/// Bytes of a vector register: 16, 32, 64.
inline constexpr int kVecBytes = 16 << POMONA_LEVEL_ID;

template <class T>
struct VecOf {
  typedef T type __attribute__((vector_size(kVecBytes)));
  typedef T quarter __attribute__((vector_size(sizeof(T) == 1 ? kVecBytes / 4 : kVecBytes)));
  typedef T half __attribute__((vector_size(kVecBytes / 2)));
};
template <class T>
using Vec = typename VecOf<T>::type;

/// Values of T in one vector.
template <class T>
inline constexpr int kLanes = kVecBytes / static_cast<int>(sizeof(T));

// ---- memory; no alignment is asked for ----

template <class T>
[[gnu::always_inline]] inline Vec<T> load(const T* source) {
  Vec<T> v;
  __builtin_memcpy(&v, source, sizeof v);
  return v;
}

template <class T>
[[gnu::always_inline]] inline void store(T* target, Vec<T> v) {
  __builtin_memcpy(target, &v, sizeof v);
}

template <class T>
[[gnu::always_inline]] inline Vec<T> broadcast(T value) {
  return value - Vec<T>{};
}

#if POMONA_LEVEL_ID == 1
/// Lanes 0..count - 1 all ones, as the masked moves of avx2 want them.
[[gnu::always_inline]] inline __m256i first_lanes(std::int64_t count, int bytes) {
  return bytes == 4 ? _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)),
                                         _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))
                    : _mm256_cmpgt_epi64(_mm256_set1_epi64x(count), _mm256_setr_epi64x(0, 1, 2, 3));
}
#endif

/// The first `count` < kLanes values, the rest zero. T has 4 or 8 bytes.
template <class T>
[[gnu::always_inline]] inline Vec<T> load_first(const T* source, std::int64_t count) {
#if POMONA_LEVEL_ID == 2
  const unsigned mask = (1U << count) - 1;
  if constexpr (sizeof(T) == 4) {
    return (Vec<T>)_mm512_maskz_loadu_epi32(static_cast<__mmask16>(mask), source);
  } else {
    return (Vec<T>)_mm512_maskz_loadu_epi64(static_cast<__mmask8>(mask), source);
  }
#elif POMONA_LEVEL_ID == 1
  const __m256i mask = first_lanes(count, sizeof(T));
  if constexpr (sizeof(T) == 4) {
    return (Vec<T>)_mm256_maskload_epi32(reinterpret_cast<const int*>(source), mask);
  } else {
    return (Vec<T>)_mm256_maskload_epi64(reinterpret_cast<const long long*>(source), mask);
  }
#else
  Vec<T> v = {};
  for (int i = 0; i < kLanes<T>; ++i) {
    if (i < count) v[i] = source[i];
  }
  return v;
#endif
}

template <class T>
[[gnu::always_inline]] inline void store_first(T* target, Vec<T> v, std::int64_t count) {
#if POMONA_LEVEL_ID == 2
  const unsigned mask = (1U << count) - 1;
  if constexpr (sizeof(T) == 4) {
    _mm512_mask_storeu_epi32(target, static_cast<__mmask16>(mask), (__m512i)v);
  } else {
    _mm512_mask_storeu_epi64(target, static_cast<__mmask8>(mask), (__m512i)v);
  }
#elif POMONA_LEVEL_ID == 1
  const __m256i mask = first_lanes(count, sizeof(T));
  if constexpr (sizeof(T) == 4) {
    _mm256_maskstore_epi32(reinterpret_cast<int*>(target), mask, (__m256i)v);
  } else {
    _mm256_maskstore_epi64(reinterpret_cast<long long*>(target), mask, (__m256i)v);
  }
#else
  for (int i = 0; i < kLanes<T>; ++i) {
    if (i < count) target[i] = v[i];
  }
#endif
}

/// Asks for the cache line at `address`, which may lie outside of any object.
[[gnu::always_inline]] inline void prefetch(const void* address) {
  __builtin_prefetch(address, 0, 3);
}
/// The same into the second level only: more lines can be on their way, none pushes out the
/// first's.
[[gnu::always_inline]] inline void prefetch_second_level(const void* address) {
  __builtin_prefetch(address, 0, 2);
}

/// The same bits as another type.
template <class To, class From>
[[gnu::always_inline]] inline To bits_as(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  __builtin_memcpy(&to, &from, sizeof to);
  return to;
}

// ---- arithmetic ----

/// a * b + c: rounded once on avx2 and avx512, twice on portable.
[[gnu::always_inline]] inline Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) {
#if POMONA_LEVEL_ID == 2
  return (Vec<float>)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif POMONA_LEVEL_ID == 1
  return (Vec<float>)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
  return a * b + c;
#endif
}

[[gnu::always_inline]] inline Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) {
#if POMONA_LEVEL_ID == 2
  return (Vec<double>)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
#elif POMONA_LEVEL_ID == 1
  return (Vec<double>)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
#else
  return a * b + c;
#endif
}

/// Lane by lane; where one of the two is NaN, b.
[[gnu::always_inline]] inline Vec<float> max(Vec<float> a, Vec<float> b) {
#if POMONA_LEVEL_ID == 2
  return (Vec<float>)_mm512_max_ps((__m512)a, (__m512)b);
#else
  return a > b ? a : b;
#endif
}
[[gnu::always_inline]] inline Vec<float> min(Vec<float> a, Vec<float> b) {
#if POMONA_LEVEL_ID == 2
  return (Vec<float>)_mm512_min_ps((__m512)a, (__m512)b);
#else
  return a < b ? a : b;
#endif
}
[[gnu::always_inline]] inline Vec<double> max(Vec<double> a, Vec<double> b) {
  return a > b ? a : b;
}
[[gnu::always_inline]] inline Vec<double> min(Vec<double> a, Vec<double> b) {
  return a < b ? a : b;
}

template <std::size_t From, class To, class V, std::size_t... I>
[[gnu::always_inline]] inline To lanes_from(V v, std::index_sequence<I...>) {
  return __builtin_shufflevector(v, v, (From + I)...);
}

/// All lanes joined pairwise: lane i with lane i + half, and so on.
template <class T, int Bytes = kVecBytes, class V, class Join>
[[gnu::always_inline]] inline T reduce(V v, Join join) {
  constexpr std::size_t half = Bytes / sizeof(T) / 2;
  if constexpr (half == 1) {
    return join(v[0], v[1]);
  } else if constexpr (Bytes > 16) {
    typedef T Half __attribute__((vector_size(Bytes / 2)));
    constexpr auto lanes = std::make_index_sequence<half>{};
    return reduce<T, Bytes / 2>(
        join(lanes_from<0, Half>(v, lanes), lanes_from<half, Half>(v, lanes)), join);
  } else {
    static_assert(half == 2);
    const V pairs = join(v, __builtin_shufflevector(v, v, 2, 3, 0, 1));
    return join(pairs[0], pairs[1]);
  }
}

template <class V>
[[gnu::always_inline]] inline auto reduce_add(V v) {
  using T = std::remove_cvref_t<decltype(v[0])>;
  return reduce<T>(v, [](auto a, auto b) { return a + b; });
}

template <class V>
[[gnu::always_inline]] inline auto reduce_max(V v) {
  using T = std::remove_cvref_t<decltype(v[0])>;
  return reduce<T>(v, [](auto a, auto b) { return a > b ? a : b; });
}

// ---- movement of lanes; 32-bit lanes only ----

using LaneNumbers = std::make_integer_sequence<int, kLanes<std::uint32_t>>;

/// One stage of a transposition: of each 2 x 2 arrangement of kHalf lanes in rows a and b, the two
/// off the diagonal change places.
template <int kHalf, int... kLane>
[[gnu::always_inline]] inline void exchange(Vec<std::uint32_t>& a, Vec<std::uint32_t>& b,
                                            std::integer_sequence<int, kLane...>) {
  constexpr int kCount = static_cast<int>(sizeof...(kLane));
  const Vec<std::uint32_t> low =
      __builtin_shufflevector(a, b, ((kLane & kHalf) != 0 ? kCount + (kLane ^ kHalf) : kLane)...);
  b = __builtin_shufflevector(a, b, ((kLane & kHalf) != 0 ? kCount + kLane : (kLane ^ kHalf))...);
  a = low;
}

/// Transposes a square of 32-bit lanes.
template <int kHalf = kLanes<std::uint32_t> / 2>
[[gnu::always_inline]] inline void transpose(Vec<std::uint32_t> (&rows)[kLanes<std::uint32_t>]) {
#pragma GCC unroll 16
  for (int i = 0; i < kLanes<std::uint32_t>; ++i) {
    if ((i & kHalf) == 0) exchange<kHalf>(rows[i], rows[i + kHalf], LaneNumbers{});
  }
  if constexpr (kHalf > 1) transpose<kHalf / 2>(rows);
}

// ---- conversion ----

[[gnu::always_inline]] inline Vec<float> to_float(Vec<std::int32_t> v) {
  return __builtin_convertvector(v, Vec<float>);
}

/// Nearest integer, ties to even, for |v| < 2^22.
[[gnu::always_inline]] inline Vec<std::int32_t> round_to_int(Vec<float> v) {
  const Vec<float> magic = broadcast(12582912.0f);  // 1.5 * 2^23: the sum's last bit is worth one
  return bits_as<Vec<std::int32_t>>(v + magic) - bits_as<Vec<std::int32_t>>(magic);
}

/// The bits of v rounded to bfloat16 (nearest, ties to even; NaN stays NaN), in the low half of
/// each lane. bfloat16 is the upper half of a float.
[[gnu::always_inline]] inline Vec<std::uint32_t> bf16_bits(Vec<float> v) {
  const Vec<std::uint32_t> bits = bits_as<Vec<std::uint32_t>>(v);
  const Vec<std::uint32_t> rounded = (bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16;
  const Vec<std::uint32_t> quiet = (bits >> 16) | 64U;
  return (bits & 0x7fffffffU) > 0x7f800000U ? quiet : rounded;
}

[[gnu::always_inline]] inline void store_bf16(std::uint16_t* target, Vec<float> v) {
  const typename VecOf<std::uint16_t>::half h =
      __builtin_convertvector(bf16_bits(v), typename VecOf<std::uint16_t>::half);
  __builtin_memcpy(target, &h, sizeof h);
}

/// IEEE half precision, exact, subnormals too.
[[gnu::always_inline]] inline Vec<float> load_f16(const std::uint16_t* source) {
#if POMONA_LEVEL_ID == 2
  return (Vec<float>)_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(source)));
#elif POMONA_LEVEL_ID == 1
  return (Vec<float>)_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(source)));
#else
  Vec<std::uint32_t> h;
  for (int i = 0; i < kLanes<float>; ++i) h[i] = source[i];
  const Vec<std::uint32_t> sign = (h & 0x8000U) << 16;
  const Vec<std::uint32_t> magnitude = h & 0x7fffU;
  // Shifted to a float's place the exponent is 112 too small; a multiplication by 2^112 mends that,
  // for subnormals too. Infinity and NaN get the full exponent.
  const Vec<float> scaled = bits_as<Vec<float>>(magnitude << 13) * 0x1p112f;
  const Vec<std::uint32_t> special = (magnitude << 13) | 0x7f800000U;
  return bits_as<Vec<float>>(
      sign | (magnitude >= 0x7c00U ? special : bits_as<Vec<std::uint32_t>>(scaled)));
#endif
}

// ---- dot products of pairs and quads in one lane ----

#if POMONA_LEVEL_ID == 2
/// sum + a.first * b.first + a.second * b.second on lanes that hold two bfloat16. Subnormals count
/// as zero.
[[gnu::always_inline]] inline Vec<float> dot_bf16(Vec<float> sum, Vec<std::uint32_t> a,
                                                  Vec<std::uint32_t> b) {
  return (Vec<float>)_mm512_dpbf16_ps((__m512)sum, bits_as<__m512bh>(a), bits_as<__m512bh>(b));
}

/// sum + u0 s0 + u1 s1 + u2 s2 + u3 s3 on lanes that hold four unsigned and four signed bytes;
/// exact. In assembly, since g++ 12 and 14 spill the accumulators of the intrinsic.
[[gnu::always_inline]] inline Vec<std::int32_t> dot_u8s8(Vec<std::int32_t> sum, Vec<std::uint8_t> u,
                                                         Vec<std::int32_t> s) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(u), "v"(s));
  return sum;
}
#endif

}  // namespace
}  // namespace pomona::simd::POMONA_LEVEL
