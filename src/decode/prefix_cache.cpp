#include "decode/prefix_cache.h"

#include <algorithm>
#include <iterator>

namespace pomona::decode {
namespace {

constexpr auto kBlock = static_cast<std::size_t>(kernel::kKvBlock);

/// Fewer positions of a block are computed rather than copied: less is saved than a block of the
/// pool is worth.
constexpr std::int64_t kFewestShared = 8;

std::span<const std::int32_t> block_tokens(std::span<const std::int32_t> tokens, std::size_t block,
                                           std::size_t end) {
  return tokens.subspan(block * kBlock, std::min(kBlock, end - block * kBlock));
}

/// All but the last token: those whose keys and values are of use.
std::span<const std::int32_t> sharable(std::span<const std::int32_t> tokens) {
  return tokens.first(tokens.empty() ? 0 : tokens.size() - 1);
}

}  // namespace

bool PrefixCache::Before::operator()(std::span<const std::int32_t> a,
                                     std::span<const std::int32_t> b) const {
  return std::ranges::lexicographical_compare(a, b);
}

PrefixCache::~PrefixCache() {
  for (const Node* node : order_) pool_.release(node->block);
}

PrefixCache::Match PrefixCache::best_child(const Node& node, std::span<const std::int32_t> tokens) {
  Match best{nullptr, 0};
  const auto consider = [&](Children::const_iterator child) {
    const auto end = std::ranges::mismatch(child->first, tokens).in1;
    const std::int64_t same = end - child->first.begin();
    if (same > best.positions) best = {child->second.get(), same};
  };
  const auto next = node.after.lower_bound(tokens);
  if (next != node.after.end()) consider(next);
  if (next != node.after.begin()) consider(std::prev(next));
  return best;
}

std::vector<PrefixCache::Match> PrefixCache::walk(std::span<const std::int32_t> tokens) const {
  std::vector<Match> chain;
  const Node* node = &root_;
  for (std::size_t block = 0; block * kBlock < tokens.size(); ++block) {
    const Match match = best_child(*node, block_tokens(tokens, block, tokens.size()));
    if (match.node == nullptr) break;
    chain.push_back(match);
    if (match.positions < kernel::kKvBlock) break;
    node = match.node;
  }
  if (!chain.empty() && chain.back().positions < kFewestShared) chain.pop_back();
  return chain;
}

std::int64_t PrefixCache::known(std::span<const std::int32_t> tokens) const {
  std::int64_t positions = 0;
  for (const Match& match : walk(sharable(tokens))) positions += match.positions;
  return positions;
}

std::int64_t PrefixCache::share(std::span<const std::int32_t> tokens, nn::KvSequence& sequence,
                                bool whole_blocks) {
  std::vector<Node*> chain;
  for (const Match& match : walk(sharable(tokens))) {
    if (whole_blocks && match.positions < kernel::kKvBlock) break;
    sequence.append_shared(match.node->block, match.positions);
    chain.push_back(match.node);
  }
  use(chain);
  return sequence.length();
}

void PrefixCache::add(std::span<const std::int32_t> tokens, const nn::KvSequence& sequence,
                      bool last_block) {
  const auto end = static_cast<std::size_t>(sequence.length());
  std::vector<Node*> chain;
  Node* node = &root_;
  for (std::size_t i = 0; i * kBlock < end; ++i) {
    const auto part = block_tokens(tokens, i, end);
    if (part.size() < kBlock && !last_block) break;
    const Match match = best_child(*node, part);
    const auto same = static_cast<std::size_t>(match.positions);
    if (same == part.size()) {
      node = match.node;
    } else {
      if (match.node != nullptr && same == match.node->place->first.size()) remove(*match.node);
      node = insert(*node, part, sequence.blocks()[i]);
    }
    chain.push_back(node);
  }
  use(chain);
}

PrefixCache::Node* PrefixCache::insert(Node& before, std::span<const std::int32_t> tokens,
                                       std::int32_t block) {
  pool_.retain(block);
  auto node = std::make_unique<Node>();
  node->before = &before;
  node->block = block;
  order_.push_front(node.get());
  node->used = order_.begin();
  const auto place =
      before.after.emplace(std::vector<std::int32_t>(tokens.begin(), tokens.end()), nullptr).first;
  place->second = std::move(node);
  place->second->place = place;
  return place->second.get();
}

void PrefixCache::remove(Node& node) {
  pool_.release(node.block);
  order_.erase(node.used);
  node.before->after.erase(node.place);
}

void PrefixCache::use(std::span<Node* const> chain) {
  for (std::size_t i = chain.size(); i-- > 0;)
    order_.splice(order_.begin(), order_, chain[i]->used);
}

std::int64_t PrefixCache::idle_blocks() const {
  return std::ranges::count_if(
      order_, [&](const Node* node) { return pool_.references(node->block) == 1; });
}

void PrefixCache::make_room(std::int64_t blocks) {
  for (auto at = order_.end(); at != order_.begin() && pool_.free_blocks() < blocks;) {
    Node& node = **--at;
    if (!node.after.empty() || pool_.references(node.block) != 1) continue;
    ++at;
    remove(node);
  }
}

}  // namespace pomona::decode
