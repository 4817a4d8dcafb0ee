// The memory behind tensors: reference-counted bytes from the heap, from an arena, or from a mapped
// file.
#pragma once
#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "base/file.h"

namespace pomona {

class Storage;

/// Takes a storage back when its last reference is gone.
class StorageOwner {
 public:
  virtual ~StorageOwner() = default;
  virtual void recycle(Storage& storage) noexcept = 0;
  /// The bytes will not be read soon: memory that can be read again from elsewhere may be given
  /// back.
  virtual void release_pages(const Storage&, std::size_t, std::size_t) noexcept {}
};

class Storage {
 public:
  Storage(std::byte* bytes, std::size_t length, StorageOwner& storage_owner)
      : data(bytes), size(length), owner(&storage_owner) {}

  std::byte* data;  // null while planning: the sizes are known, nothing is allocated
  std::size_t size;
  StorageOwner* owner;
  std::atomic<int> references = 0;
};

/// A counted reference to a Storage.
class StorageRef {
 public:
  StorageRef() = default;
  explicit StorageRef(Storage* storage) : storage_(storage) { retain(); }
  StorageRef(const StorageRef& other) : storage_(other.storage_) { retain(); }
  StorageRef(StorageRef&& other) noexcept : storage_(std::exchange(other.storage_, nullptr)) {}
  StorageRef& operator=(StorageRef other) noexcept {
    std::swap(storage_, other.storage_);
    return *this;
  }
  ~StorageRef() {
    if (storage_ != nullptr && storage_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      storage_->owner->recycle(*storage_);
    }
  }

  Storage* operator->() const { return storage_; }
  explicit operator bool() const { return storage_ != nullptr; }
  bool operator==(const StorageRef&) const = default;

 private:
  void retain() {
    if (storage_ != nullptr) storage_->references.fetch_add(1, std::memory_order_relaxed);
  }
  Storage* storage_ = nullptr;
};

/// Alignment of every storage but mapped ones, in bytes: a cache line and the widest vector.
inline constexpr std::size_t kAlignment = 64;

/// Zeroed heap memory. Throws exhausted.
StorageRef heap_storage(std::size_t size);

/// Zeroed memory for what lives as long as a model: many storages, also small ones, share regions
/// of huge pages, from which the processor reads up to 1.5 times as fast. A region goes back to the
/// system when its last storage is gone. For any thread. Throws exhausted.
StorageRef lasting_storage(std::size_t size);

/// Part of a mapped file, kept mapped as long as the storage lives; read-only by contract.
StorageRef mapped_storage(std::shared_ptr<const MappedFile> file, std::span<const std::byte> part);

}  // namespace pomona
