// What the tests of row and attention kernels share: the levels of this machine, random rows,
// bounds.
#pragma once
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "kernel/table.h"

namespace pomona::kernel {

/// Unit roundoff of float.
inline constexpr double kU = 0x1p-24;

inline std::vector<simd::Level> levels() {
  std::vector<simd::Level> all;
  for (int level = 0; level <= static_cast<int>(simd::highest_level()); ++level) {
    all.push_back(static_cast<simd::Level>(level));
  }
  return all;
}

/// Standard normal values, the same for the same seed.
template <class T = float>
std::vector<T> normal(std::int64_t n, unsigned seed, double deviation = 1) {
  std::mt19937_64 bits(seed);
  std::normal_distribution<double> draw(0, deviation);
  std::vector<T> values(static_cast<std::size_t>(n));
  for (T& v : values) v = static_cast<T>(draw(bits));
  return values;
}

inline std::vector<double> widen(const std::vector<float>& x) { return {x.begin(), x.end()}; }

/// A cache line: a vector of them is memory aligned for kernels.
struct alignas(64) Line {
  float values[16] = {};
};

/// The distance from `got` to `want` in units in the last place of a float of want's size.
inline double ulps(float got, double want) {
  if (static_cast<double>(got) == want) return 0;
  const auto size =
      std::max(std::fabs(want), static_cast<double>(std::numeric_limits<float>::min()));
  return std::fabs(static_cast<double>(got) - want) / std::ldexp(1.0, std::ilogb(size) - 23);
}

}  // namespace pomona::kernel
