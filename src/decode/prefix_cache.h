// What of earlier texts is still in the KV cache, as a radix tree over its blocks, so that requests
// with the same beginning share them (as SGLang's RadixAttention: Zheng et al. 2024,
// arXiv:2312.07104). A block that is shared in part is copied when its new owner goes on.
#pragma once
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "nn/kv_pool.h"

namespace pomona::decode {

class PrefixCache {
 public:
  /// `pool` must outlive this.
  explicit PrefixCache(nn::KvPool& pool) : pool_(pool) {}
  ~PrefixCache();
  PrefixCache(const PrefixCache&) = delete;
  PrefixCache& operator=(const PrefixCache&) = delete;

  /// Positions at the front of `tokens` that share() would share.
  std::int64_t known(std::span<const std::int32_t> tokens) const;

  /// Appends what is cached of the front of `tokens` to an empty sequence, leaving at least one
  /// token out: somebody must compute logits. The last block may be shared in part, unless
  /// `whole_blocks`. Returns the number of positions shared.
  std::int64_t share(std::span<const std::int32_t> tokens, nn::KvSequence& sequence,
                     bool whole_blocks = false);

  /// Remembers the blocks that `sequence` has filled with the front of `tokens`; of blocks with the
  /// same text the first one. With `last_block` also one that is not full.
  void add(std::span<const std::int32_t> tokens, const nn::KvSequence& sequence, bool last_block);

  /// Blocks that only this cache refers to.
  std::int64_t idle_blocks() const;

  /// Gives back idle blocks until the pool has `blocks` free or no more can go: least recently used
  /// first, and of one text the last block first, since nothing reaches a block without those
  /// before it.
  void make_room(std::int64_t blocks);

 private:
  struct Before {
    using is_transparent = void;  // NOLINT(readability-identifier-naming): the standard's name
    bool operator()(std::span<const std::int32_t> a, std::span<const std::int32_t> b) const;
  };
  struct Node;
  /// The texts of a block's followers in order: the one that shares most with some text is next to
  /// where that text would stand.
  using Children = std::map<std::vector<std::int32_t>, std::unique_ptr<Node>, Before>;
  struct Node {
    Node* before = nullptr;  // the block in front of this one; null at the root
    std::int32_t block = -1;
    Children::iterator place;  // in before->after
    Children after;            // empty unless the block is full
    std::list<Node*>::iterator used;
  };
  struct Match {
    Node* node;
    std::int64_t positions;  // of the block
  };

  static Match best_child(const Node& node, std::span<const std::int32_t> tokens);
  /// The blocks that hold the front of `tokens`; all but the last one full.
  std::vector<Match> walk(std::span<const std::int32_t> tokens) const;
  Node* insert(Node& before, std::span<const std::int32_t> tokens, std::int32_t block);
  void remove(Node& node);
  /// Marks a chain as just used, its first block last, so that the end of a text goes first.
  void use(std::span<Node* const> chain);

  nn::KvPool& pool_;
  Node root_;
  std::list<Node*> order_;  // most recently used first, and every node behind its `before`
};

}  // namespace pomona::decode
