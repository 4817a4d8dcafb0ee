#include "nn/kv_pool.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace pomona::nn {
namespace {

constexpr std::array<std::string_view, kernel::kKvKinds> kKindNames = {"f32", "bf16", "q8"};

}  // namespace

kernel::KvKind parse_kv_kind(std::string_view name) {
  const auto found = std::ranges::find(kKindNames, name);
  if (found == kKindNames.end())
    fail(ErrorKind::bad_argument, "KV cache \"{}\": must be f32, bf16 or q8", name);
  return static_cast<kernel::KvKind>(found - kKindNames.begin());
}

std::string_view name_of(kernel::KvKind kind) { return kKindNames[static_cast<std::size_t>(kind)]; }

KvPool::KvPool(KvShape shape, std::int64_t blocks) : shape_(shape) { grow(blocks); }

void KvPool::grow(std::int64_t blocks) {
  const std::int64_t more = blocks - capacity();
  if (more <= 0) return;
  storages_.push_back(heap_storage(static_cast<std::size_t>(more * shape_.block_bytes())));
  std::byte* const first = storages_.back()->data;
  for (std::int64_t i = 0; i < more; ++i) {
    addresses_.push_back(first + i * shape_.block_bytes());
    free_.push_back(static_cast<std::int32_t>(blocks - 1 - i));
  }
  std::rotate(free_.begin(), free_.end() - more, free_.end());  // behind the free ones of before
  references_.resize(static_cast<std::size_t>(blocks));
  used_before_.resize(static_cast<std::size_t>(blocks));
}

std::int32_t KvPool::allocate() {
  if (free_.empty()) fail(ErrorKind::exhausted, "KV cache: all {} blocks are in use", capacity());
  const std::int32_t id = free_.back();
  free_.pop_back();
  const auto at = static_cast<std::size_t>(id);
  if (used_before_[at]) std::memset(block(id), 0, static_cast<std::size_t>(shape_.block_bytes()));
  used_before_[at] = true;
  references_[at] = 1;
  peak_ = std::max(peak_, capacity() - free_blocks());
  return id;
}

void KvPool::release(std::int32_t id) {
  if (--references_[static_cast<std::size_t>(id)] == 0) free_.push_back(id);
}

KvSequence::KvSequence(const KvSequence& other)
    : pool_(other.pool_), blocks_(other.blocks_), length_(other.length_) {
  for (const std::int32_t id : blocks_) pool_->retain(id);
}

KvSequence& KvSequence::operator=(KvSequence other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(blocks_, other.blocks_);
  std::swap(length_, other.length_);
  return *this;
}

void KvSequence::clear() {
  for (const std::int32_t id : blocks_) pool_->release(id);
  blocks_.clear();
  length_ = 0;
}

void KvSequence::extend(std::int64_t positions) {
  if (positions == 0) return;
  const bool copies = copies_next();
  const std::int64_t fresh =
      kv_blocks(length_ + positions) - static_cast<std::int64_t>(blocks_.size());
  if (fresh + (copies ? 1 : 0) > pool_->free_blocks()) {
    fail(ErrorKind::exhausted, "KV cache: {} more blocks needed, {} of {} free", fresh,
         pool_->free_blocks(), pool_->capacity());
  }
  if (copies) {
    const std::int32_t copy = pool_->allocate();
    std::memcpy(pool_->block(copy), pool_->block(blocks_.back()),
                static_cast<std::size_t>(pool_->shape().block_bytes()));
    pool_->release(std::exchange(blocks_.back(), copy));
  }
  for (std::int64_t i = 0; i < fresh; ++i) blocks_.push_back(pool_->allocate());
  length_ += positions;
}

void KvSequence::append_shared(std::int32_t block, std::int64_t positions) {
  pool_->retain(block);
  blocks_.push_back(block);
  length_ += positions;
}

void KvSequence::layer_blocks(std::int64_t layer, std::vector<std::byte*>& addresses) const {
  addresses.clear();
  for (const std::int32_t id : blocks_)
    addresses.push_back(pool_->block(id) + layer * pool_->shape().layer_bytes());
}

}  // namespace pomona::nn
