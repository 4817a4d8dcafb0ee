// GEMM on f32 and bf16 panels. Both hold one 32-bit unit per output and step of K: a float, or a
// pair of bfloat16 neighbours along K.
#include "kernel/isa/functions.h"
#include "kernel/isa/tile.h"

namespace pomona::kernel::POMONA_LEVEL {
namespace {

using Unit = std::uint32_t;

/// One multiplication for each step.
struct F32 {
  static constexpr int kParts = 1;
  using Part = Vec<float>;
  template <int kPart>
  [[gnu::always_inline]] static Part part(Vec<Unit> v) {
    return bits_as<Part>(v);
  }
  [[gnu::always_inline]] static Vec<float> add(Vec<float> sum, Part a, Part b) {
    return fma(a, b, sum);
  }
};

#if POMONA_LEVEL_ID == 2
/// The processor's dot product of pairs.
struct Bf16 {
  static constexpr int kParts = 1;
  using Part = Vec<Unit>;
  template <int kPart>
  [[gnu::always_inline]] static Part part(Vec<Unit> v) {
    return v;
  }
  [[gnu::always_inline]] static Vec<float> add(Vec<float> sum, Part a, Part b) {
    return dot_bf16(sum, a, b);
  }
};
#else
/// Two multiplications for each step, of the first and of the second value of a pair, widened to
/// f32.
struct Bf16 {
  static constexpr int kParts = 2;
  using Part = Vec<float>;
  template <int kPart>
  [[gnu::always_inline]] static Part part(Vec<Unit> v) {
    return bits_as<Part>(kPart == 0 ? v << 16 : v & 0xffff0000U);
  }
  [[gnu::always_inline]] static Vec<float> add(Vec<float> sum, Part a, Part b) {
    return fma(a, b, sum);
  }
};
#endif

/// Part kPart of one step: b holds W vectors of units, a one unit in each row.
template <class Element, int kPart, int R, int W>
[[gnu::always_inline]] inline void multiply(const std::byte* b, const std::byte* a,
                                            std::int64_t row_bytes, Vec<float> (&sums)[R][W]) {
  typename Element::Part weights[W];
#pragma GCC unroll 8
  for (int w = 0; w < W; ++w) {
    weights[w] =
        Element::template part<kPart>(load(reinterpret_cast<const Unit*>(b) + w * kLanes<Unit>));
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    Unit unit;
    __builtin_memcpy(&unit, a + r * row_bytes, sizeof unit);
    const typename Element::Part value = Element::template part<kPart>(broadcast(unit));
#pragma GCC unroll 8
    for (int w = 0; w < W; ++w) sums[r][w] = Element::add(sums[r][w], value, weights[w]);
  }
}

template <class Element, int R, int W>
void dense_micro(const Tile& tile) {
  constexpr std::int64_t kStepBytes = kPanelWidth * 4;
  Vec<float> sums[R][W];
  load_sums(tile, sums);
  const std::byte* a = tile.rows;
  const std::byte* b = tile.panel + tile.column * 4;
  const std::byte* next = tile.next;
  const std::byte* const end = b + tile.steps * kStepBytes;
  for (; b != end; b += kStepBytes, a += sizeof(Unit)) {
#pragma GCC unroll 4
    for (int byte = 0; byte < W * kVecBytes; byte += 64)
      prefetch_second_level(next), next += tile.next_stride;
    multiply<Element, 0>(b, a, tile.row_bytes, sums);
    if constexpr (Element::kParts == 2) {
      // Hides that the units are the same, so that they are read again and not kept: registers are
      // short.
      asm("" : "+r"(b));
      multiply<Element, 1>(b, a, tile.row_bytes, sums);
    }
  }
  store_sums(tile, sums);
}

template <class Element, int R, int W>
constexpr MicroEntry entry() {
  return {dense_micro<Element, R, W>, W * kLanes<float>};
}

/// Registers: R * W sums, W weights and one value, of 32 (avx512) or 16; widened pairs need a mask
/// as well.
template <class Element, int kValues>
struct Dense {
  static constexpr std::int64_t kK = kValues;
  static constexpr std::int64_t kRowStep = 4;
  static constexpr std::int64_t kPanelStep = kPanelWidth * 4;
#if POMONA_LEVEL_ID == 2
  static constexpr int kMaxRows = 6;
  static constexpr MicroEntry kMicro[] = {entry<Element, 1, 4>(), entry<Element, 2, 4>(),
                                          entry<Element, 3, 4>(), entry<Element, 4, 4>(),
                                          entry<Element, 5, 4>(), entry<Element, 6, 4>()};
#else
  static constexpr int kMaxRows = Element::kParts == 2 ? 5 : 6;
  static constexpr MicroEntry kMicro[] = {entry<Element, 1, 8>(), entry<Element, 2, 4>(),
                                          entry<Element, 3, 2>(), entry<Element, 4, 2>(),
                                          entry<Element, 5, 2>(), entry<Element, kMaxRows, 2>()};
#endif
};

}  // namespace

void gemm_f32(const GemmCall& call) { Gemm<Dense<F32, 1>>(PanelKind::f32, call).run(); }

void gemm_bf16(const GemmCall& call) { Gemm<Dense<Bf16, 2>>(PanelKind::bf16, call).run(); }

}  // namespace pomona::kernel::POMONA_LEVEL
