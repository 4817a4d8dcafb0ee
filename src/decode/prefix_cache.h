// Full KV blocks by the tokens they stand for, so that requests with the same beginning share them.
// A block's key chains its tokens to the key of the block before it; the tokens are kept and
// compared, never trusted to the hash alone.
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

  /// Remembers the full blocks of `sequence`, which holds `tokens`.
  void add(std::span<const std::int32_t> tokens, std::span<const BlockKey> keys,
           const nn::KvSequence& sequence);

  /// Blocks that only this cache refers to.
  std::int64_t idle_blocks() const;

  /// Gives back idle blocks, least recently used first, until the pool has `blocks` free or none is
  /// idle.
  void make_room(std::int64_t blocks);

 private:
  struct Entry {
    BlockKey key;
    std::int32_t block;
    std::vector<std::int32_t> tokens;
  };
  nn::KvPool& pool_;
  std::list<Entry> order_;  // most recently used first
  std::unordered_map<BlockKey, std::list<Entry>::iterator> entries_;
};

}  // namespace pomona::decode
