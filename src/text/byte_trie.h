// A trie over the bytes of strings, for all tokens that a text begins with.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/string_hash.h"

namespace pomona::text {

class ByteTrie {
 public:
  static constexpr std::uint32_t kRoot = 0;
  /// No node: where step() ends.
  static constexpr std::uint32_t kNowhere = ~std::uint32_t{0};

  ByteTrie() { grow(1 << 10); }

  /// Gives `text`, which is not empty, a value that is not negative; of several the first counts.
  void add(std::string_view text, std::int32_t value);

  /// The node one byte further, or kNowhere.
  std::uint32_t step(std::uint32_t node, char byte) const { return edges_[place(node, byte)].to; }

  /// The value of the text that leads to `node`, or -1.
  std::int32_t value(std::uint32_t node) const { return values_[node]; }

 private:
  struct Edge {
    std::uint64_t key = kFree;  // node and byte
    std::uint32_t to = kNowhere;
  };
  static constexpr std::uint64_t kFree = ~std::uint64_t{0};
  static std::uint64_t key_of(std::uint32_t node, char byte) {
    return std::uint64_t{node} << 8 | static_cast<unsigned char>(byte);
  }
  std::size_t place(std::uint32_t node, char byte) const {
    const std::uint64_t key = key_of(node, byte);
    const std::size_t mask = edges_.size() - 1;
    std::size_t at = hash_number(key, seed_) & mask;
    while (edges_[at].key != key && edges_[at].key != kFree) at = (at + 1) & mask;
    return at;
  }
  void grow(std::size_t edges);

  std::vector<Edge> edges_;
  std::vector<std::int32_t> values_ = {-1};
  std::uint64_t seed_ = hash_seed();
};

}  // namespace pomona::text
