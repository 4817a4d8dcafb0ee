// Loops at the limits of the processor: as many independent accumulators as hide the latency, and
// nothing that leaves the registers; reads with prefetching, of one stream and of four.
#include "kernel/isa/functions.h"
#include "kernel/isa/int8_dot.h"
#include "simd/vec.h"

namespace pomona::kernel::POMONA_LEVEL {
namespace {

using namespace simd::POMONA_LEVEL;

constexpr int kSums = POMONA_LEVEL_ID == 2 ? 16 : 12;

/// Makes the compiler believe that v is used and changed.
template <class V>
[[gnu::always_inline]] inline void opaque(V& v) {
#if POMONA_LEVEL_ID == 2
  asm volatile("" : "+v"(v));
#elif defined(__x86_64__)
  asm volatile("" : "+x"(v));
#else
  asm volatile("" : "+w"(v));
#endif
}

/// kSums chains of `add` for each round; returns the operations, of which one add has `operations`.
template <class Sum, class V, class Add>
[[gnu::always_inline]] inline std::int64_t chains(std::int64_t rounds, V a, V b,
                                                  std::int64_t operations, const Add& add) {
  Sum sums[kSums] = {};
  opaque(a);
  opaque(b);
  for (std::int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 16
    for (Sum& sum : sums) {
      opaque(b);
      sum = add(sum, a, b);
      opaque(sum);
    }
  }
  return rounds * kSums * operations;
}

std::int64_t f32_micro(std::int64_t rounds) {
  return chains<Vec<float>>(rounds, broadcast(0.5F), broadcast(0.25F), 2 * kLanes<float>,
                            [](Vec<float> sum, Vec<float> a, Vec<float> b)
                                __attribute__((always_inline)) { return fma(a, b, sum); });
}

#if POMONA_LEVEL_ID == 2
std::int64_t bf16_micro(std::int64_t rounds) {
  const Vec<std::uint32_t> ones = broadcast(std::uint32_t{0x3f803f80});
  return chains<Vec<float>>(rounds, ones, ones, 4 * kLanes<float>,
                            [](Vec<float> sum, Vec<std::uint32_t> a, Vec<std::uint32_t> b)
                                __attribute__((always_inline)) { return dot_bf16(sum, a, b); });
}
#else
std::int64_t bf16_micro(std::int64_t rounds) { return f32_micro(rounds); }
#endif

std::int64_t int8_micro(std::int64_t rounds) {
  const Bytes ones = broadcast(std::uint8_t{1});
  return chains<U4Dot::Sum>(rounds, ones, ones, 2 * kVecBytes,
                            [](U4Dot::Sum sum, Bytes a, Bytes b) __attribute__((always_inline)) {
                              return U4Dot::add(sum, a, bits_as<Ints>(b));
                            });
}

template <int kStreams, bool kPrefetch>
std::int64_t read(const std::byte* data, std::int64_t bytes) {
  constexpr std::int64_t kAhead = 4096;
  constexpr int kPerLine = 64 / kVecBytes;
  const std::int64_t part = bytes / kStreams / 64 * 64;
  Vec<std::uint32_t> sums[kStreams * kPerLine] = {};
  for (std::int64_t offset = 0; offset < part; offset += 64) {
#pragma GCC unroll 4
    for (int s = 0; s < kStreams; ++s) {
      const std::byte* line = data + s * part + offset;
      if constexpr (kPrefetch) prefetch(line + kAhead);
#pragma GCC unroll 4
      for (int i = 0; i < kPerLine; ++i) {
        sums[s * kPerLine + i] +=
            load(reinterpret_cast<const std::uint32_t*>(line + i * kVecBytes));
      }
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kStreams * kPerLine; ++i) opaque(sums[i]);
  return part * kStreams;
}

}  // namespace

RoofTable roof() { return {f32_micro, bf16_micro, int8_micro, read<1, true>, read<4, false>}; }

}  // namespace pomona::kernel::POMONA_LEVEL
