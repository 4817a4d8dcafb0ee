#include "text/byte_trie.h"

namespace pomona::text {

void ByteTrie::grow(std::size_t edges) {
  std::vector<Edge> old(edges);
  old.swap(edges_);
  for (const Edge& edge : old) {
    if (edge.key == kFree) continue;
    const auto node = static_cast<std::uint32_t>(edge.key >> 8);
    edges_[place(node, static_cast<char>(edge.key & 0xFF))] = edge;
  }
}

void ByteTrie::add(std::string_view text, std::int32_t value) {
  std::uint32_t node = kRoot;
  for (const char byte : text) {
    std::size_t at = place(node, byte);
    if (edges_[at].key == kFree) {
      if (values_.size() * 2 > edges_.size()) {
        grow(edges_.size() * 2);
        at = place(node, byte);
      }
      edges_[at] = {key_of(node, byte), static_cast<std::uint32_t>(values_.size())};
      values_.push_back(-1);
    }
    node = edges_[at].to;
  }
  if (values_[node] < 0) values_[node] = value;
}

}  // namespace pomona::text
