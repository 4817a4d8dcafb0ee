#include "decode/prefix_cache.h"

#include <algorithm>

#include "base/random.h"

namespace pomona::decode {
namespace {

constexpr auto kBlock = static_cast<std::size_t>(kernel::kKvBlock);

std::span<const std::int32_t> block_tokens(std::span<const std::int32_t> tokens,
                                           std::size_t block) {
  return tokens.subspan(block * kBlock, kBlock);
}

}  // namespace

std::vector<BlockKey> block_keys(std::span<const std::int32_t> tokens) {
  std::vector<BlockKey> keys;
  BlockKey key = 0;
  for (std::size_t block = 0; (block + 1) * kBlock <= tokens.size(); ++block) {
    for (const std::int32_t token : block_tokens(tokens, block)) {
      const auto mixed = philox(key, static_cast<std::uint32_t>(token), block);
      key = (static_cast<std::uint64_t>(mixed[1]) << 32) | mixed[0];
    }
    keys.push_back(key);
  }
  return keys;
}

PrefixCache::~PrefixCache() {
  for (const Entry& entry : order_) pool_.release(entry.block);
}

PrefixCache::Place PrefixCache::find(BlockKey key, std::span<const std::int32_t> tokens,
                                     const Entry* before) {
  const auto found = entries_.find(key);
  if (found == entries_.end() || found->second->before != before ||
      !std::ranges::equal(found->second->tokens, tokens))
    return order_.end();
  return found->second;
}

void PrefixCache::use(std::span<const Place> chain) {
  for (std::size_t i = chain.size(); i-- > 0;) order_.splice(order_.begin(), order_, chain[i]);
}

std::int64_t PrefixCache::share(std::span<const std::int32_t> tokens,
                                std::span<const BlockKey> keys, nn::KvSequence& sequence) {
  std::vector<Place> chain;
  for (std::size_t i = 0; i < keys.size() && (i + 1) * kBlock < tokens.size(); ++i) {
    const Place found =
        find(keys[i], block_tokens(tokens, i), chain.empty() ? nullptr : &*chain.back());
    if (found == order_.end()) break;
    sequence.append_shared(found->block);
    chain.push_back(found);
  }
  use(chain);
  return sequence.length();
}

void PrefixCache::add(std::span<const std::int32_t> tokens, std::span<const BlockKey> keys,
                      const nn::KvSequence& sequence) {
  std::vector<Place> chain;
  for (std::size_t i = 0;
       i < keys.size() && (i + 1) * kBlock <= static_cast<std::size_t>(sequence.length()); ++i) {
    const auto part = block_tokens(tokens, i);
    Entry* const before = chain.empty() ? nullptr : &*chain.back();
    Place found = find(keys[i], part, before);
    if (found == order_.end()) {
      if (entries_.contains(keys[i])) break;  // the key of another text
      pool_.retain(sequence.blocks()[i]);
      order_.push_front({keys[i], sequence.blocks()[i], {part.begin(), part.end()}, before});
      found = entries_[keys[i]] = order_.begin();
      if (before != nullptr) ++before->after;
    }
    chain.push_back(found);
  }
  use(chain);
}

std::int64_t PrefixCache::idle_blocks() const {
  return std::ranges::count_if(
      order_, [&](const Entry& entry) { return pool_.references(entry.block) == 1; });
}

void PrefixCache::make_room(std::int64_t blocks) {
  for (auto entry = order_.end(); entry != order_.begin() && pool_.free_blocks() < blocks;) {
    --entry;
    if (entry->after > 0 || pool_.references(entry->block) != 1) continue;
    if (entry->before != nullptr) --entry->before->after;
    pool_.release(entry->block);
    entries_.erase(entry->key);
    entry = order_.erase(entry);
  }
}

}  // namespace pomona::decode
