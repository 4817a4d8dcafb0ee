// Register tiles: the sums of R rows by C vectors of outputs are held in registers while K runs
// upwards, so each output is one chain of additions in ascending K whatever tile it falls into.
#pragma once
#include "kernel/isa/row_loops.h"

namespace pomona::kernel::POMONA_LEVEL {
namespace {

/// Largest tile that the level's registers hold beside its operands.
inline constexpr int kTileRows = POMONA_LEVEL_ID == 2 ? 6 : 4;
inline constexpr int kTileVecs = POMONA_LEVEL_ID == 2 ? 4 : 2;

/// Where a tile reads: a(row, step) at a + row * a_row + step * a_step in units of Dot::A, vectors
/// of b at b + step * b_step in units of Dot::B.
template <class Dot>
struct TileInput {
  const typename Dot::A* a;
  std::int64_t a_row;
  std::int64_t a_step;
  const typename Dot::B* b;
  std::int64_t b_step;
  std::int64_t steps;
  /// Where b of a later tile lies, to be on its way meanwhile; null: nowhere.
  const typename Dot::B* later = nullptr;
};

/// One value of a times one vector of b in each step.
template <class T>
struct Plain {
  using Value = T;
  using A = T;
  using B = T;
  using Left = Vec<T>;
  using Right = Vec<T>;
  static constexpr std::int64_t kDepth = 1;              // values of K in one step
  static constexpr std::int64_t kRightSize = kLanes<T>;  // B's in one vector of outputs
  [[gnu::always_inline]] static Left left(const A* a) { return broadcast(*a); }
  template <class Width>
  [[gnu::always_inline]] static Right right(const B* b, Width width) {
    return load(b, width);
  }
  [[gnu::always_inline]] static Vec<T> add(Vec<T> sum, Left a, Right b) { return fma(a, b, sum); }
};

/// Starts the sums with start(row, vector), ends with finish(row, vector, sum). `last` is the width
/// of each row's last vector.
template <class Dot, int R, int C, class Width, class Start, class Finish>
[[gnu::always_inline]] inline void tile(const TileInput<Dot>& in, Width last, Start start,
                                        Finish finish) {
  using T = typename Dot::Value;
  Vec<T> sum[R][C];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) sum[r][c] = start(r, c);
  }
  const typename Dot::A* a = in.a;
  const typename Dot::B* b = in.b;
  for (std::int64_t step = 0; step < in.steps; ++step, a += in.a_step, b += in.b_step) {
    if (in.later) {
      const typename Dot::B* const later = in.later + step * in.b_step;
#pragma GCC unroll 8
      for (int c = 0; c < C; ++c) prefetch_second_level(later + c * Dot::kRightSize);
    }
    typename Dot::Right right[C];
#pragma GCC unroll 8
    for (int c = 0; c + 1 < C; ++c) right[c] = Dot::right(b + c * Dot::kRightSize, Whole{});
    right[C - 1] = Dot::right(b + (C - 1) * Dot::kRightSize, last);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const typename Dot::Left left = Dot::left(a + r * in.a_row);
#pragma GCC unroll 8
      for (int c = 0; c < C; ++c) sum[r][c] = Dot::add(sum[r][c], left, right[c]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) finish(r, c, sum[r][c]);
  }
}

/// A number known when compiling, as an argument.
template <int N>
struct Constant {
  static constexpr int value = N;
};

/// Calls f(Constant<n>) for an n in 1..Most that is known at run time only.
template <int Most, class F>
[[gnu::always_inline]] inline void with_constant(std::int64_t n, F f) {
  if constexpr (Most > 1) {
    if (n < Most) return with_constant<Most - 1>(n, f);
  }
  f(Constant<Most>{});
}

/// y (M, N) = or += a b, where a(m, k) = a[m * a_row + k * a_step], b(k, n) = b[k * b_step + n].
template <class T>
void product(const T* a, std::int64_t a_row, std::int64_t a_step, const T* b, std::int64_t b_step,
             T* y, std::int64_t y_row, std::int64_t M, std::int64_t N, std::int64_t K,
             bool accumulate) {
  constexpr std::int64_t kColumns = kTileVecs * kLanes<T>;
  const auto columns = [=](std::int64_t n, auto vecs, auto last) {
    for (std::int64_t m = 0; m < M; m += kTileRows) {
      with_constant<kTileRows>(M - m, [=](auto rows) {
        T* const to = y + m * y_row + n;
        constexpr int kEnd = decltype(vecs)::value - 1;
        const auto start = [=](int r, int c) {
          if (!accumulate) return Vec<T>{};
          const T* const from = to + r * y_row + c * kLanes<T>;
          return c < kEnd ? load(from) : load(from, last);
        };
        const auto finish = [=](int r, int c, Vec<T> sum) {
          T* const out = to + r * y_row + c * kLanes<T>;
          if (c < kEnd) {
            store(out, sum);
          } else {
            store(out, sum, last);
          }
        };
        tile<Plain<T>, decltype(rows)::value, kEnd + 1>(
            {a + m * a_row, a_row, a_step, b + n, b_step, K}, last, start, finish);
      });
    }
  };
  std::int64_t n = 0;
  for (; n + kColumns <= N; n += kColumns) columns(n, Constant<kTileVecs>{}, Whole{});
  for (; n + kLanes<T> <= N; n += kLanes<T>) columns(n, Constant<1>{}, Whole{});
  if (n < N) columns(n, Constant<1>{}, Part{N - n});
}

/// Transposes x (rows, columns), x_row apart, to y (columns, rows), y_row apart.
template <class T>
void transpose(const T* x, std::int64_t x_row, T* y, std::int64_t y_row, std::int64_t rows,
               std::int64_t columns) {
  for (std::int64_t c = 0; c < columns; ++c) {
    for (std::int64_t r = 0; r < rows; ++r) y[c * y_row + r] = x[r * x_row + c];
  }
}

}  // namespace
}  // namespace pomona::kernel::POMONA_LEVEL
