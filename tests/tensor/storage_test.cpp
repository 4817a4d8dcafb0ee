// Storages that share regions of huge pages.
#include "tensor/storage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

namespace pomona {
namespace {

bool all_zero(const StorageRef& storage) {
  return std::all_of(storage->data, storage->data + storage->size,
                     [](std::byte b) { return b == std::byte{0}; });
}

TEST(LastingStorage, IsZeroedAlignedAndApart) {
  std::vector<StorageRef> storages;
  for (const std::size_t size :
       {1UL, 64UL, 100UL, 553000UL, 20UL << 20, 40UL << 20, 13UL << 20, 13UL << 20, 7UL}) {
    storages.push_back(lasting_storage(size));
    EXPECT_EQ(storages.back()->size, size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(storages.back()->data) % kAlignment, 0U);
    EXPECT_TRUE(all_zero(storages.back())) << size;
    std::memset(storages.back()->data, static_cast<int>(storages.size()), size);
  }
  for (std::size_t i = 0; i < storages.size(); ++i) {
    EXPECT_EQ(std::to_integer<std::size_t>(storages[i]->data[0]), i + 1);
    EXPECT_EQ(std::to_integer<std::size_t>(storages[i]->data[storages[i]->size - 1]), i + 1);
  }
}

TEST(LastingStorage, SmallOnesAreNeighbours) {
  const StorageRef first = lasting_storage(1000);
  const StorageRef second = lasting_storage(1000);
  EXPECT_EQ(second->data - first->data, 1024);
}

TEST(LastingStorage, MemoryOfGoneStoragesIsNotSeenAgain) {
  for (int round = 0; round < 40; ++round) {
    const StorageRef storage = lasting_storage(3 << 20);
    ASSERT_TRUE(all_zero(storage));
    std::memset(storage->data, 1, storage->size);
  }
}

}  // namespace
}  // namespace pomona
