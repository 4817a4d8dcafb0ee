#include "tensor/arena.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "base/text.h"

namespace pomona {
namespace {

std::size_t padded(std::size_t size) {
  return std::max(kAlignment, (size + kAlignment - 1) / kAlignment * kAlignment);
}

}  // namespace

std::size_t physical_memory_bytes() {
  return static_cast<std::size_t>(::sysconf(_SC_PHYS_PAGES)) *
         static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

Arena::Arena() : capacity_(std::numeric_limits<std::size_t>::max() / 2), free_{{0, capacity_}} {}

Arena::Arena(std::size_t capacity) : capacity_(padded(capacity)), free_{{0, capacity_}} {
  void* address = ::mmap(nullptr, capacity_, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (address == MAP_FAILED)
    fail(ErrorKind::exhausted, "memory: cannot reserve {} of addresses", human_bytes(capacity_));
  base_ = static_cast<std::byte*>(address);
}

Arena::~Arena() {
  for (Storage* storage : idle_) delete storage;
  if (base_ != nullptr) ::munmap(base_, capacity_);
}

StorageRef Arena::allocate(std::size_t size) {
  const std::size_t need = padded(size);
  const auto span =
      std::find_if(free_.begin(), free_.end(), [&](const Span& s) { return s.size >= need; });
  if (span == free_.end()) {
    fail(ErrorKind::exhausted, "memory: {} more do not fit beside the {} in use", human_bytes(size),
         human_bytes(in_use_));
  }
  const std::size_t offset = span->offset;
  span->offset += need;
  span->size -= need;
  if (span->size == 0) free_.erase(span);
  in_use_ += need;
  peak_ = std::max(peak_, offset + need);

  Storage* storage = nullptr;
  if (idle_.empty()) {
    storage = new Storage(nullptr, size, *this);
  } else {
    storage = idle_.back();
    idle_.pop_back();
    storage->size = size;
  }
  if (is_planning()) {
    planned_[storage] = {offset, need};
  } else {
    storage->data = base_ + offset;
  }
  return StorageRef(storage);
}

void Arena::recycle(Storage& storage) noexcept {
  Span freed = {0, padded(storage.size)};
  if (is_planning()) {
    freed = planned_[&storage];
  } else {
    freed.offset = static_cast<std::size_t>(storage.data - base_);
  }
  in_use_ -= freed.size;
  auto next = std::lower_bound(free_.begin(), free_.end(), freed.offset,
                               [](const Span& s, std::size_t offset) { return s.offset < offset; });
  if (next != free_.end() && freed.offset + freed.size == next->offset) {
    next->offset = freed.offset;
    next->size += freed.size;
  } else {
    next = free_.insert(next, freed);
  }
  if (next != free_.begin()) {
    const auto before = next - 1;
    if (before->offset + before->size == next->offset) {
      before->size += next->size;
      free_.erase(next);
    }
  }
  idle_.push_back(&storage);
}

}  // namespace pomona
