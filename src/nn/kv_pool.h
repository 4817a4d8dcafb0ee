// The paged KV cache: blocks of kernel::kKvBlock positions for all layers and KV heads, counted
// references, a table of blocks per sequence, shared by prefix and copied on write (Kwon et al.
// 2023, arXiv:2309.06180).
#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "kernel/table.h"
#include "tensor/storage.h"

namespace pomona::nn {

/// "f32", "bf16", "q8". Throws bad_argument naming them.
kernel::KvKind parse_kv_kind(std::string_view name);
std::string_view name_of(kernel::KvKind kind);

/// What one position of the cache holds.
struct KvShape {
  std::int64_t L = 0;  // layers
  std::int64_t G = 0;  // KV heads
  std::int64_t E = 0;  // head size
  kernel::KvKind kind = kernel::KvKind::bf16;

  bool operator==(const KvShape&) const = default;
  std::int64_t layer_bytes() const { return 2 * G * kernel::kv_block_bytes(kind, E); }
  std::int64_t block_bytes() const { return L * layer_bytes(); }
};

/// Number of blocks that `positions` positions need.
inline std::int64_t kv_blocks(std::int64_t positions) {
  return (positions + kernel::kKvBlock - 1) / kernel::kKvBlock;
}

/// Memory for blocks, touched only as they are used. Used by one thread at a time.
class KvPool {
 public:
  /// Throws exhausted if there is no memory for them, as grow() does.
  KvPool(KvShape shape, std::int64_t blocks);

  /// Adds room up to `blocks` in all; the blocks in use keep their numbers and addresses.
  void grow(std::int64_t blocks);

  const KvShape& shape() const { return shape_; }
  std::int64_t capacity() const { return static_cast<std::int64_t>(references_.size()); }
  std::int64_t free_blocks() const { return static_cast<std::int64_t>(free_.size()); }
  /// Bytes of the most blocks that were in use at once.
  std::int64_t peak_bytes() const { return peak_ * shape_.block_bytes(); }

  std::byte* block(std::int32_t id) const { return addresses_[static_cast<std::size_t>(id)]; }

  /// A block of zeros with one reference. Throws exhausted if none is left.
  std::int32_t allocate();
  void retain(std::int32_t id) { ++references_[static_cast<std::size_t>(id)]; }
  void release(std::int32_t id);
  int references(std::int32_t id) const { return references_[static_cast<std::size_t>(id)]; }

 private:
  KvShape shape_;
  std::vector<StorageRef> storages_;  // one for each time it grew
  std::vector<std::byte*> addresses_;
  std::vector<int> references_;
  std::vector<std::int32_t> free_;  // the next one last
  std::vector<bool> used_before_;
  std::int64_t peak_ = 0;
};

/// One sequence's part of a pool. Copying shares all blocks.
class KvSequence {
 public:
  explicit KvSequence(KvPool& pool) : pool_(&pool) {}
  KvSequence(const KvSequence& other);
  KvSequence(KvSequence&& other) noexcept
      : pool_(other.pool_), blocks_(std::move(other.blocks_)), length_(other.length_) {
    other.blocks_.clear();
    other.length_ = 0;
  }
  KvSequence& operator=(KvSequence other) noexcept;
  ~KvSequence() { clear(); }

  std::int64_t length() const { return length_; }
  const std::vector<std::int32_t>& blocks() const { return blocks_; }
  const KvShape& shape() const { return pool_->shape(); }

  /// Makes room for `positions` more and counts them as written. A shared block that they fall into
  /// is copied first. Throws exhausted and changes nothing if the pool has too few free blocks.
  void extend(std::int64_t positions);
  /// Appends a block whose first `positions` hold the right keys and values already: prefix
  /// sharing. Only at a block's end.
  void append_shared(std::int32_t block, std::int64_t positions = kernel::kKvBlock);
  /// Whether the next position falls into a block that others refer to as well, and so copies it.
  bool copies_next() const {
    return length_ % kernel::kKvBlock != 0 && last_block_references() > 1;
  }
  int last_block_references() const { return pool_->references(blocks_.back()); }
  void clear();

  /// Addresses of this sequence's blocks within layer `layer`.
  void layer_blocks(std::int64_t layer, std::vector<std::byte*>& addresses) const;

 private:
  KvPool* pool_;
  std::vector<std::int32_t> blocks_;
  std::int64_t length_ = 0;
};

}  // namespace pomona::nn
