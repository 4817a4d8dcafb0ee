#include "text/bpe_merges.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <queue>

namespace pomona::text {
namespace {

/// A power of two that leaves a table of `expected` entries at most half full.
std::size_t table_size(std::size_t expected) {
  return std::bit_ceil(std::max<std::size_t>(16, expected * 2));
}

constexpr std::uint32_t kNoRank = std::numeric_limits<std::uint32_t>::max();

/// Above this many bytes the heap beats looking at every pair again after each merge.
constexpr std::size_t kLongWord = 40;

}  // namespace

StringIndex::StringIndex(std::size_t expected)
    : slots_(table_size(expected)), mask_(slots_.size() - 1) {}

bool StringIndex::add(std::string_view text, std::int32_t position) {
  std::size_t at = hash_bytes(text, seed_) & mask_;
  for (; slots_[at].position >= 0; at = (at + 1) & mask_) {
    if (slots_[at].holds(text)) return false;
  }
  slots_[at] = {text.data(), static_cast<std::uint32_t>(text.size()), position};
  return true;
}

std::optional<std::int32_t> StringIndex::find(std::string_view text) const {
  for (std::size_t at = hash_bytes(text, seed_) & mask_; slots_[at].position >= 0;
       at = (at + 1) & mask_) {
    if (slots_[at].holds(text)) return slots_[at].position;
  }
  return std::nullopt;
}

MergeTable::MergeTable(std::size_t expected)
    : slots_(table_size(expected)), mask_(slots_.size() - 1) {}

std::size_t MergeTable::place(std::uint64_t pair) const {
  std::size_t at = hash_number(pair, seed_) & mask_;
  while (slots_[at].pair != pair && slots_[at].pair != kEmpty) at = (at + 1) & mask_;
  return at;
}

namespace {

std::uint64_t pair_of(std::int32_t left, std::int32_t right) {
  return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32) |
         static_cast<std::uint32_t>(right);
}

}  // namespace

void MergeTable::add(std::int32_t left, std::int32_t right, Merge merge) {
  const std::uint64_t pair = pair_of(left, right);
  slots_[place(pair)] = {pair, merge};
}

const Merge* MergeTable::find(std::int32_t left, std::int32_t right) const {
  const Slot& slot = slots_[place(pair_of(left, right))];
  return slot.pair == kEmpty ? nullptr : &slot.merge;
}

void merge_word_by_scan(const MergeTable& merges, std::vector<std::int32_t>& symbols) {
  std::vector<Merge> pairs;  // of symbol i and its right neighbour
  const auto pair_at = [&](std::size_t i) {
    const Merge* merge = merges.find(symbols[i], symbols[i + 1]);
    return merge == nullptr ? Merge{kNoRank, 0} : *merge;
  };
  for (std::size_t i = 0; i + 1 < symbols.size(); ++i) pairs.push_back(pair_at(i));
  while (!pairs.empty()) {
    const auto best = std::min_element(
        pairs.begin(), pairs.end(), [](const Merge& a, const Merge& b) { return a.rank < b.rank; });
    if (best->rank == kNoRank) return;
    const auto i = best - pairs.begin();
    const auto at = static_cast<std::size_t>(i);
    symbols[at] = best->token;
    symbols.erase(symbols.begin() + i + 1);
    pairs.erase(best);
    if (at < pairs.size()) pairs[at] = pair_at(at);
    if (at > 0) pairs[at - 1] = pair_at(at - 1);
  }
}

void merge_word_by_heap(const MergeTable& merges, std::vector<std::int32_t>& symbols) {
  struct Node {
    std::int32_t token;
    std::int32_t previous;
    std::int32_t next;
  };
  struct Candidate {
    std::uint32_t rank;
    std::int32_t at;
    std::int32_t left;  // the tokens when this was queued: stale if they have changed
    std::int32_t right;
    std::int32_t merged;
    bool operator<(const Candidate& other) const {
      return rank != other.rank ? rank > other.rank : at > other.at;
    }
  };
  const auto count = static_cast<std::int32_t>(symbols.size());
  std::vector<Node> nodes;
  nodes.reserve(symbols.size());
  for (std::int32_t i = 0; i < count; ++i)
    nodes.push_back({symbols[static_cast<std::size_t>(i)], i - 1, i + 1 < count ? i + 1 : -1});
  const auto node = [&](std::int32_t i) -> Node& { return nodes[static_cast<std::size_t>(i)]; };

  std::priority_queue<Candidate> queue;
  const auto offer = [&](std::int32_t i) {
    if (i < 0 || node(i).next < 0) return;
    const std::int32_t left = node(i).token;
    const std::int32_t right = node(node(i).next).token;
    if (const Merge* merge = merges.find(left, right))
      queue.push({merge->rank, i, left, right, merge->token});
  };
  for (std::int32_t i = 0; i < count; ++i) offer(i);

  constexpr std::int32_t kGone = -1;
  while (!queue.empty()) {
    const Candidate top = queue.top();
    queue.pop();
    const std::int32_t next = node(top.at).next;
    if (node(top.at).token != top.left || next < 0 || node(next).token != top.right) continue;
    node(top.at).token = top.merged;
    node(top.at).next = node(next).next;
    node(next).token = kGone;
    if (node(top.at).next >= 0) node(node(top.at).next).previous = top.at;
    offer(node(top.at).previous);
    offer(top.at);
  }
  symbols.clear();
  for (std::int32_t i = 0; i >= 0 && i < count; i = node(i).next) symbols.push_back(node(i).token);
}

void merge_word(const MergeTable& merges, std::vector<std::int32_t>& symbols) {
  if (symbols.size() > kLongWord) {
    merge_word_by_heap(merges, symbols);
  } else {
    merge_word_by_scan(merges, symbols);
  }
}

}  // namespace pomona::text
