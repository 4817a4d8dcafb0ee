// Counter-based random numbers: Philox 4x32-10 (Salmon et al. 2011, "Parallel random numbers: as
// easy as 1, 2, 3"). A number is a function of (seed, stream, index), so there is no state to save.
#pragma once
#include <array>
#include <cstdint>

namespace pomona {

/// One Philox 4x32-10 block: 128 random bits from a 64-bit key and a 128-bit counter.
std::array<std::uint32_t, 4> philox(std::uint64_t key, std::uint64_t counter_low,
                                    std::uint64_t counter_high);

/// The numbers of one stream. `stream` names the use (a node, a request), `index` the element.
class Random {
 public:
  Random(std::uint64_t seed, std::uint64_t stream) : seed_(seed), stream_(stream) {}

  std::uint64_t bits(std::uint64_t index) const;

  /// In [0, 1), a multiple of 2^-53.
  double uniform(std::uint64_t index) const;

  /// In [0, n); n > 0. The bias is below n / 2^64.
  std::uint64_t below(std::uint64_t index, std::uint64_t n) const;

  /// Standard normal, by the Box-Muller transform of two uniforms of the same block.
  double normal(std::uint64_t index) const;

 private:
  std::uint64_t seed_;
  std::uint64_t stream_;
};

}  // namespace pomona
