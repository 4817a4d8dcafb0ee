// The memory of activations: one reserved address range, handed out first fit and taken back when a
// tensor's last reference goes, so eager code frees by last use and never calls malloc. A planning
// arena does the same arithmetic without memory: its peak is exact before anything is allocated.
#pragma once
#include <cstddef>
#include <map>
#include <vector>

#include "tensor/storage.h"

namespace pomona {

/// Used by one thread at a time. All its tensors must be gone before it is destroyed.
class Arena final : public StorageOwner {
 public:
  /// Reserves `capacity` bytes of addresses (not of memory). Throws exhausted.
  explicit Arena(std::size_t capacity);
  /// An arena that only counts.
  static Arena planning() { return Arena(); }
  ~Arena() override;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// Uninitialised memory, aligned to kAlignment. Throws exhausted beyond the capacity.
  StorageRef allocate(std::size_t size);

  bool is_planning() const { return base_ == nullptr; }
  std::size_t in_use() const { return in_use_; }
  /// The highest address offset ever used: what the arena costs in memory.
  std::size_t peak() const { return peak_; }

  void recycle(Storage& storage) noexcept override;

 private:
  Arena();
  struct Span {
    std::size_t offset;
    std::size_t size;
  };

  std::byte* base_ = nullptr;
  std::size_t capacity_;
  std::size_t in_use_ = 0;
  std::size_t peak_ = 0;
  std::vector<Span> free_;            // by offset, never adjacent
  std::vector<Storage*> idle_;        // storages to use again
  std::map<Storage*, Span> planned_;  // places of planning storages, whose data is null
};

/// The physical memory of this machine in bytes: the usual capacity of an arena.
std::size_t physical_memory_bytes();

}  // namespace pomona
