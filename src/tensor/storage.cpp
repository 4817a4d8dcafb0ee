#include "tensor/storage.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "base/error.h"
#include "base/text.h"

namespace pomona {
namespace {

/// From this size on memory comes straight from the system: zeroed lazily, in huge pages where it
/// can.
constexpr std::size_t kLarge = std::size_t{4} << 20;

class HeapOwner final : public StorageOwner {
 public:
  void recycle(Storage& storage) noexcept override {
    if (storage.size >= kLarge) {
      ::munmap(storage.data, storage.size);
    } else {
      std::free(storage.data);
    }
    delete &storage;
  }
};

HeapOwner& heap_owner() {
  static HeapOwner owner;
  return owner;
}

constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kRegion = std::size_t{32} << 20;

std::size_t round_up(std::size_t size, std::size_t step) { return (size + step - 1) / step * step; }

/// A region of huge pages, dealt out from front to back.
class Region final : public StorageOwner {
 public:
  explicit Region(std::size_t size) : size_(size), mapped_(size + kHugePage) {
    void* address = ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (address == MAP_FAILED)
      fail(ErrorKind::exhausted, "memory: no {} left to allocate", human_bytes(size));
    address_ = address;
    const auto first = reinterpret_cast<std::uintptr_t>(address);
    begin_ = static_cast<std::byte*>(address) + (round_up(first, kHugePage) - first);
    ::madvise(begin_, size_, MADV_HUGEPAGE);
  }
  ~Region() override { ::munmap(address_, mapped_); }

  /// A storage of this size in the region that new ones come from, or in one of its own if it is
  /// large.
  static StorageRef deal(std::size_t size) {
    const std::scoped_lock lock(mutex_);
    const std::size_t padded = round_up(std::max(size, kAlignment), kAlignment);
    Region* region = nullptr;
    if (padded > kRegion / 2) {
      region = new Region(padded);
    } else {
      if (current_ == nullptr || current_->used_ + padded > current_->size_) {
        auto* fresh = new Region(kRegion);
        current_ = fresh;
      }
      region = current_;
    }
    auto* storage = new Storage(region->begin_ + region->used_, size, *region);
    region->used_ += padded;
    ++region->storages_;
    return StorageRef(storage);
  }

  void recycle(Storage& storage) noexcept override {
    const std::scoped_lock lock(mutex_);
    delete &storage;
    if (--storages_ > 0) return;
    if (this == current_) current_ = nullptr;
    delete this;
  }

 private:
  static inline std::mutex mutex_;
  static inline Region* current_ = nullptr;

  std::size_t size_;
  std::size_t mapped_;
  void* address_ = nullptr;
  std::byte* begin_ = nullptr;
  std::size_t used_ = 0;
  std::size_t storages_ = 0;
};

class MappingOwner final : public StorageOwner {
 public:
  explicit MappingOwner(std::shared_ptr<const MappedFile> file) : file_(std::move(file)) {}
  void recycle(Storage& storage) noexcept override {
    delete &storage;
    delete this;
  }
  void release_pages(const Storage& storage, std::size_t offset,
                     std::size_t size) noexcept override {
    file_->release({storage.data + offset, size});
  }

 private:
  std::shared_ptr<const MappedFile> file_;
};

}  // namespace

StorageRef heap_storage(std::size_t size) {
  if (size >= kLarge) {
    void* address = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (address == MAP_FAILED)
      fail(ErrorKind::exhausted, "memory: no {} left to allocate", human_bytes(size));
    ::madvise(address, size, MADV_HUGEPAGE);
    return StorageRef(new Storage(static_cast<std::byte*>(address), size, heap_owner()));
  }
  const std::size_t padded = (size + kAlignment - 1) / kAlignment * kAlignment;
  auto* data =
      static_cast<std::byte*>(std::aligned_alloc(kAlignment, std::max(padded, kAlignment)));
  if (data == nullptr)
    fail(ErrorKind::exhausted, "memory: no {} left to allocate", human_bytes(size));
  std::memset(data, 0, padded);
  return StorageRef(new Storage(data, size, heap_owner()));
}

StorageRef lasting_storage(std::size_t size) { return Region::deal(size); }

StorageRef mapped_storage(std::shared_ptr<const MappedFile> file, std::span<const std::byte> part) {
  auto* owner = new MappingOwner(std::move(file));
  return StorageRef(new Storage(const_cast<std::byte*>(part.data()), part.size(), *owner));
}

}  // namespace pomona
