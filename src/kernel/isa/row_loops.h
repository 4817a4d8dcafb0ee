// Loops over a row of values: whole vectors, then one part of a vector for the rest.
#pragma once
#include "simd/vec.h"

namespace pomona::kernel::POMONA_LEVEL {
namespace {

using namespace simd::POMONA_LEVEL;
using simd::POMONA_LEVEL::load;
using simd::POMONA_LEVEL::store;

/// How much of a vector a step covers: all of it, or the first `count` lanes.
struct Whole {};
struct Part {
  std::int64_t count;
};

template <class T>
[[gnu::always_inline]] inline Vec<T> load(const T* source, Whole) {
  return load(source);
}
template <class T>
[[gnu::always_inline]] inline Vec<T> load(const T* source, Part part) {
  return load_first(source, part.count);
}

/// 0, 1, 2, ...
template <class T>
[[gnu::always_inline]] inline Vec<T> lane_numbers() {
  Vec<T> v = {};
  for (int i = 0; i < kLanes<T>; ++i) v[i] = static_cast<T>(i);
  return v;
}

/// As load, with `fill` in the lanes beyond.
template <class T>
[[gnu::always_inline]] inline Vec<T> load_filled(const T* source, Whole, T) {
  return load(source);
}
template <class T>
[[gnu::always_inline]] inline Vec<T> load_filled(const T* source, Part part, T fill) {
  const Vec<T> inside = load_first(source, part.count);
  return lane_numbers<T>() < broadcast(static_cast<T>(part.count)) ? inside : broadcast(fill);
}

template <class T>
[[gnu::always_inline]] inline void store(T* target, Vec<T> v, Whole) {
  store(target, v);
}
template <class T>
[[gnu::always_inline]] inline void store(T* target, Vec<T> v, Part part) {
  store_first(target, v, part.count);
}

/// Calls f(i, Whole or Part) for the vectors of n values.
template <class T, class F>
[[gnu::always_inline]] inline void each_vector(std::int64_t n, F f) {
  std::int64_t i = 0;
  for (; i + kLanes<T> <= n; i += kLanes<T>) f(i, Whole{});
  if (i < n) f(i, Part{n - i});
}

/// The fold of all f(i, Whole or Part), from `start`, by `join`: four chains, then one vector.
template <class T, class Join, class F>
[[gnu::always_inline]] inline Vec<T> fold(std::int64_t n, Vec<T> start, Join join, F f) {
  constexpr std::int64_t kChains = 4;
  Vec<T> chain[kChains] = {start, start, start, start};
  std::int64_t i = 0;
  for (; i + kChains * kLanes<T> <= n; i += kChains * kLanes<T>) {
    for (std::int64_t c = 0; c < kChains; ++c) {
      chain[c] = join(chain[c], f(i + c * kLanes<T>, Whole{}));
    }
  }
  for (; i + kLanes<T> <= n; i += kLanes<T>) chain[0] = join(chain[0], f(i, Whole{}));
  if (i < n) chain[1] = join(chain[1], f(i, Part{n - i}));
  return join(join(chain[0], chain[1]), join(chain[2], chain[3]));
}

/// Sum of f over n values; f gives zero in the lanes beyond a Part.
template <class T, class F>
[[gnu::always_inline]] inline T sum_of(std::int64_t n, F f) {
  return reduce_add(fold<T>(n, Vec<T>{}, [](Vec<T> a, Vec<T> b) { return a + b; }, f));
}

/// Largest of n values; NaN never wins, -inf if there is nothing else.
template <class T>
[[gnu::always_inline]] inline T largest_of(const T* x, std::int64_t n) {
  const T lowest = -static_cast<T>(__builtin_inff());
  return reduce_max(fold<T>(
      n, broadcast(lowest), [](Vec<T> best, Vec<T> v) { return max(v, best); },
      [=](std::int64_t i, auto width) { return load_filled(x + i, width, lowest); }));
}

}  // namespace
}  // namespace pomona::kernel::POMONA_LEVEL
