#include "tensor/storage.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

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
    void* address =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
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

StorageRef mapped_storage(std::shared_ptr<const MappedFile> file, std::span<const std::byte> part) {
  auto* owner = new MappingOwner(std::move(file));
  return StorageRef(new Storage(const_cast<std::byte*>(part.data()), part.size(), *owner));
}

}  // namespace pomona
