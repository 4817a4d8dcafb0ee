// Full KV blocks by the tokens they stand for, so that requests with the same beginning share them.
// A block's key chains its tokens to the key of the block before it. The hash alone is never
// trusted: an entry keeps its tokens and the entry before it, and both are compared.
#pragma once
#include <cstdint>
#include <list>
#include <span>
#include <unordered_map>
#include <vector>

#include "nn/kv_pool.h"

namespace pomona::decode {

using BlockKey = std::uint64_t;

/// The keys of all full blocks of `tokens`, each depending on everything before it.
std::vector<BlockKey> block_keys(std::span<const std::int32_t> tokens);

class PrefixCache {
 public:
  explicit PrefixCache(nn::KvPool& pool) : pool_(pool) {}
  ~PrefixCache();
  PrefixCache(const PrefixCache&) = delete;
  PrefixCache& operator=(const PrefixCache&) = delete;

  /// Appends the cached blocks at the front of `tokens` to an empty sequence, leaving at least one
  /// token out: somebody must compute logits. Returns the number of positions shared.
  std::int64_t share(std::span<const std::int32_t> tokens, std::span<const BlockKey> keys,
                     nn::KvSequence& sequence);

  bool has(BlockKey key) const { return entries_.contains(key); }

  /// Remembers the full blocks of `sequence`, which holds `tokens`; of blocks with the same tokens
  /// the first one.
  void add(std::span<const std::int32_t> tokens, std::span<const BlockKey> keys,
           const nn::KvSequence& sequence);

  /// Blocks that only this cache refers to.
  std::int64_t idle_blocks() const;

  /// Gives back idle blocks until the pool has `blocks` free or no more can go: least recently used
  /// first, and of one text the last block first, since nothing reaches a block without those
  /// before it.
  void make_room(std::int64_t blocks);

 private:
  struct Entry {
    BlockKey key;
    std::int32_t block;
    std::vector<std::int32_t> tokens;
    Entry* before;           // the block in front of this one; null at a text's start
    std::int64_t after = 0;  // entries that name this one as `before`
  };
  using Place = std::list<Entry>::iterator;

  /// The entry that holds `tokens` behind `before`, or order_.end().
  Place find(BlockKey key, std::span<const std::int32_t> tokens, const Entry* before);
  /// Marks a chain as just used, its first block last, so that the end of a text goes first.
  void use(std::span<const Place> chain);

  nn::KvPool& pool_;
  std::list<Entry> order_;  // most recently used first, and every entry behind its `before`
  std::unordered_map<BlockKey, Place> entries_;
};

}  // namespace pomona::decode
