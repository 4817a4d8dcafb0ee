#include "base/string_hash.h"

#include <cstring>
#include <random>

namespace pomona {

std::uint64_t hash_seed() {
  static const std::uint64_t seed = [] {
    std::random_device device;
    return (static_cast<std::uint64_t>(device()) << 32) | device();
  }();
  return seed;
}

std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed) {
  std::uint64_t hash = seed + bytes.size();
  while (bytes.size() >= 8) {
    std::uint64_t chunk = 0;
    std::memcpy(&chunk, bytes.data(), 8);
    hash = hash_number(hash, chunk);
    bytes.remove_prefix(8);
  }
  std::uint64_t tail = 0;
  if (!bytes.empty()) std::memcpy(&tail, bytes.data(), bytes.size());
  return hash_number(hash_number(hash, tail), seed);
}

}  // namespace pomona
