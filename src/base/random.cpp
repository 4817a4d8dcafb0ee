#include "base/random.h"

#include <cmath>
#include <numbers>

namespace pomona {
namespace {

__extension__ using Uint128 = unsigned __int128;

constexpr double kTwoToMinus53 = 0x1p-53;

double to_unit(std::uint64_t bits) { return static_cast<double>(bits >> 11) * kTwoToMinus53; }

std::uint64_t join(std::uint32_t high, std::uint32_t low) {
  return (static_cast<std::uint64_t>(high) << 32) | low;
}

}  // namespace

std::array<std::uint32_t, 4> philox(std::uint64_t key, std::uint64_t counter_low,
                                    std::uint64_t counter_high) {
  constexpr std::uint64_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
  constexpr std::uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
  std::array<std::uint32_t, 4> x = {
      static_cast<std::uint32_t>(counter_low), static_cast<std::uint32_t>(counter_low >> 32),
      static_cast<std::uint32_t>(counter_high), static_cast<std::uint32_t>(counter_high >> 32)};
  auto key0 = static_cast<std::uint32_t>(key);
  auto key1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = kMultiplier0 * x[0];
    const std::uint64_t product1 = kMultiplier1 * x[2];
    x = {static_cast<std::uint32_t>(product1 >> 32) ^ x[1] ^ key0,
         static_cast<std::uint32_t>(product1),
         static_cast<std::uint32_t>(product0 >> 32) ^ x[3] ^ key1,
         static_cast<std::uint32_t>(product0)};
    key0 += kWeyl0;
    key1 += kWeyl1;
  }
  return x;
}

std::uint64_t Random::bits(std::uint64_t index) const {
  const auto block = philox(seed_, index, stream_);
  return join(block[1], block[0]);
}

double Random::uniform(std::uint64_t index) const { return to_unit(bits(index)); }

std::uint64_t Random::below(std::uint64_t index, std::uint64_t n) const {
  return static_cast<std::uint64_t>((static_cast<Uint128>(bits(index)) * n) >> 64);
}

double Random::normal(std::uint64_t index) const {
  const auto block = philox(seed_, index, stream_);
  const double radius = std::sqrt(-2.0 * std::log1p(-to_unit(join(block[1], block[0]))));
  return radius * std::cos(2.0 * std::numbers::pi * to_unit(join(block[3], block[2])));
}

}  // namespace pomona
