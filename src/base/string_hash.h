// A hash for tables whose keys come from strangers. Its seed differs from process to process, so
// nobody can prepare keys that all fall into one slot (Crosby and Wallach 2003, "Denial of Service
// via Algorithmic Complexity Attacks"). Not for anything that is kept or shown.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pomona {

/// A number drawn at random once in the life of the process.
std::uint64_t hash_seed();

/// Hashes that index tables by their low bits.
std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed = hash_seed());

constexpr std::uint64_t hash_number(std::uint64_t number, std::uint64_t seed) {
  constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15ull;  // 2^64 / golden ratio
  std::uint64_t x = (number ^ seed) * kOdd;
  x ^= x >> 32;
  x *= kOdd;
  return x ^ (x >> 29);
}

/// For the standard's unordered containers.
struct StringHash {
  std::size_t operator()(std::string_view text) const { return hash_bytes(text); }
};

}  // namespace pomona
