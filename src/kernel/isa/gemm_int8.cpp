// GEMM on u8 and u4 panels with int8 activations. For every group of 32 along K the dot product is
// an exact integer; the sum over groups is
//   sum = fma(float(dot), weight_scale * activation_scale, sum), and for u4
//   sum = fma(minimum, activation_scale * sum_of_activations, sum).
#include "kernel/isa/functions.h"
#include "kernel/isa/int8_dot.h"
#include "kernel/isa/tile.h"

namespace pomona::kernel::POMONA_LEVEL {
namespace {

/// What will be read soon, asked for line by line.
struct Ahead {
  const std::byte* next;
  std::int64_t stride;

  /// As many lines as `bytes` has.
  [[gnu::always_inline]] void ask(int bytes) {
#pragma GCC unroll 4
    for (int byte = 0; byte < bytes; byte += 64) prefetch_second_level(next), next += stride;
  }
};

template <int W>
[[gnu::always_inline]] inline void load_bytes(const std::byte* source, Ahead& ahead,
                                              Bytes (&values)[W]) {
#pragma GCC unroll 4
  for (int w = 0; w < W; ++w) {
    values[w] = load(reinterpret_cast<const std::uint8_t*>(source) + w * kVecBytes);
  }
  ahead.ask(W * kVecBytes);
}

[[gnu::always_inline]] inline const Int8Group& group_at(const std::byte* rows,
                                                        std::int64_t offset) {
  return *reinterpret_cast<const Int8Group*>(rows + offset);
}

/// One quad of R rows with W vectors of weights.
template <class Dot, int R, int W>
[[gnu::always_inline]] inline void add_quad(const std::byte* rows, std::int64_t row_bytes, int quad,
                                            const Bytes (&weights)[W],
                                            typename Dot::Sum (&dots)[R][W]) {
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    const Ints activations = broadcast_quad(group_at(rows, r * row_bytes).q, quad);
#pragma GCC unroll 4
    for (int w = 0; w < W; ++w) dots[r][w] = Dot::add(dots[r][w], weights[w], activations);
  }
}

struct U8 : U8Dot {
  static constexpr std::int64_t kBytes = kU8GroupBytes;
  static constexpr bool kMinimum = false;
  static constexpr std::int64_t kScales = 32 * kPanelWidth;

  template <int R, int W>
  [[gnu::always_inline]] static void add_group(const std::byte* rows, std::int64_t row_bytes,
                                               const std::byte* panel, Ahead& ahead,
                                               Sum (&dots)[R][W]) {
#pragma GCC unroll 8
    for (int quad = 0; quad < 8; ++quad) {
      Bytes weights[W];
      load_bytes(panel + quad * 4 * kPanelWidth, ahead, weights);
      add_quad<U8Dot>(rows, row_bytes, quad, weights, dots);
    }
  }
};

struct U4 : U4Dot {
  static constexpr std::int64_t kBytes = kU4GroupBytes;
  static constexpr bool kMinimum = true;
  static constexpr std::int64_t kScales = 16 * kPanelWidth;

  template <int R, int W>
  [[gnu::always_inline]] static void add_group(const std::byte* rows, std::int64_t row_bytes,
                                               const std::byte* panel, Ahead& ahead,
                                               Sum (&dots)[R][W]) {
#pragma GCC unroll 4
    for (int quad = 0; quad < 4; ++quad) {
      Bytes pairs[W];
      Bytes weights[W];
      load_bytes(panel + quad * 4 * kPanelWidth, ahead, pairs);
#pragma GCC unroll 4
      for (int w = 0; w < W; ++w) weights[w] = pairs[w] & 15;
      add_quad<U4Dot>(rows, row_bytes, quad, weights, dots);
#pragma GCC unroll 4
      for (int w = 0; w < W; ++w) {
        weights[w] = bits_as<Bytes>(bits_as<Vec<std::uint16_t>>(pairs[w]) >> 4) & 15;
      }
      add_quad<U4Dot>(rows, row_bytes, quad + 4, weights, dots);
    }
  }
};

/// sums += minimum * (activation scale * sum of activations): the part of a group that needs no
/// products.
template <int R, int W>
[[gnu::always_inline]] inline void add_minima(const std::byte* rows, std::int64_t row_bytes,
                                              const std::uint16_t* minima,
                                              Vec<float> (&sums)[R][W]) {
#pragma GCC unroll 4
  for (int w = 0; w < W; ++w) {
    const Vec<float> minimum = load_f16(minima + w * kLanes<float>);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      sums[r][w] = fma(minimum, broadcast(group_at(rows, r * row_bytes).sum), sums[r][w]);
    }
  }
}

/// sums += dot * (weight scale * activation scale).
template <class Dot, int R, int W>
[[gnu::always_inline]] inline void add_products(const std::byte* rows, std::int64_t row_bytes,
                                                const std::uint16_t* scales,
                                                const typename Dot::Sum (&dots)[R][W],
                                                Vec<float> (&sums)[R][W]) {
#pragma GCC unroll 4
  for (int w = 0; w < W; ++w) {
    const Vec<float> scale = load_f16(scales + w * kLanes<float>);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Vec<float> both = scale * broadcast(group_at(rows, r * row_bytes).scale);
      sums[r][w] = fma(to_float(Dot::end(dots[r][w])), both, sums[r][w]);
    }
  }
}

template <class Weights, int R, int W>
void int8_micro(const Tile& tile) {
  Vec<float> sums[R][W];
  load_sums(tile, sums);
  const std::byte* rows = tile.rows;
  const std::byte* panel = tile.panel;
  Ahead ahead{tile.next, tile.next_stride};
  for (std::int64_t step = 0; step < tile.steps; ++step) {
    const auto* scales =
        reinterpret_cast<const std::uint16_t*>(panel + Weights::kScales) + tile.column;
    ahead.ask(W * kVecBytes / (Weights::kMinimum ? 1 : 2));
    if constexpr (Weights::kMinimum) add_minima(rows, tile.row_bytes, scales + kPanelWidth, sums);
    typename Weights::Sum dots[R][W];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
      for (int w = 0; w < W; ++w) dots[r][w] = Weights::begin(group_at(rows, r * tile.row_bytes));
    }
    Weights::template add_group<R, W>(rows, tile.row_bytes, panel + tile.column * 4, ahead, dots);
    add_products<Weights>(rows, tile.row_bytes, scales, dots, sums);
    rows += sizeof(Int8Group);
    panel += Weights::kBytes;
  }
  store_sums(tile, sums);
}

template <class Weights, int R, int W>
constexpr MicroEntry entry() {
  return {int8_micro<Weights, R, W>, W * kLanes<float>};
}

/// Registers: R * W integer and as many float sums, W to 2 W weights and one value, of 32 (avx512)
/// or 16.
template <class Weights>
struct Int8 {
  static constexpr std::int64_t kK = kGroup;
  static constexpr std::int64_t kRowStep = sizeof(Int8Group);
  static constexpr std::int64_t kPanelStep = Weights::kBytes;
#if POMONA_LEVEL_ID == 2
  static constexpr int kMaxRows = 6;
  static constexpr MicroEntry kMicro[kMaxRows] = {entry<Weights, 1, 4>(), entry<Weights, 2, 4>(),
                                                  entry<Weights, 3, 4>(), entry<Weights, 4, 2>(),
                                                  entry<Weights, 5, 2>(), entry<Weights, 6, 2>()};
#else
  static constexpr int kMaxRows = 4;
  static constexpr MicroEntry kMicro[kMaxRows] = {entry<Weights, 1, 4>(), entry<Weights, 2, 2>(),
                                                  entry<Weights, 3, 1>(), entry<Weights, 4, 1>()};
#endif
};

}  // namespace

void gemm_u8(const GemmCall& call) { Gemm<Int8<U8>>(PanelKind::u8, call).run(); }

void gemm_u4(const GemmCall& call) { Gemm<Int8<U4>>(PanelKind::u4, call).run(); }

}  // namespace pomona::kernel::POMONA_LEVEL
