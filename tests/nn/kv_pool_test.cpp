#include "nn/kv_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "tests/support/refused.h"

namespace pomona::nn {
namespace {

constexpr KvShape kShape{.L = 2, .G = 1, .E = 16, .kind = kernel::KvKind::bf16};

TEST(KvPool, RecycledBlocksAreZero) {
  KvPool pool(kShape, 2);
  const std::int32_t id = pool.allocate();
  std::memset(pool.block(id), 0x7F, static_cast<std::size_t>(kShape.block_bytes()));
  pool.release(id);
  const std::int32_t again = pool.allocate();
  ASSERT_EQ(again, id);
  EXPECT_TRUE(std::all_of(pool.block(id), pool.block(id) + kShape.block_bytes(),
                          [](std::byte b) { return b == std::byte{0}; }));
}

TEST(KvPool, GrowingKeepsWhatIsThere) {
  KvPool pool(kShape, 2);
  const std::int32_t first = pool.allocate();
  std::byte* const address = pool.block(first);
  address[7] = std::byte{42};
  pool.grow(5);
  pool.grow(3);  // less than there is changes nothing
  EXPECT_EQ(pool.capacity(), 5);
  EXPECT_EQ(pool.free_blocks(), 4);
  EXPECT_EQ(pool.block(first), address);
  EXPECT_EQ(pool.references(first), 1);
  EXPECT_EQ(address[7], std::byte{42});
  for (std::int32_t expected = 1; expected < 5; ++expected) {
    const std::int32_t id = pool.allocate();
    EXPECT_EQ(id, expected) << "memory that is there already comes first";
    std::memset(pool.block(id), 1, static_cast<std::size_t>(kShape.block_bytes()));
  }
  EXPECT_EQ(pool.peak_bytes(), 5 * kShape.block_bytes());
}

TEST(KvSequence, AFullPoolChangesNothing) {
  KvPool pool(kShape, 2);
  KvSequence sequence(pool);
  sequence.extend(100);
  EXPECT_EQ(test::refused([&] { sequence.extend(100); }),
            "exhausted: KV cache: 2 more blocks needed, 0 of 2 free");
  EXPECT_EQ(sequence.length(), 100);
  sequence.clear();
  EXPECT_EQ(pool.free_blocks(), 2);
}

TEST(KvSequence, ACopySharesUntilItWrites) {
  KvPool pool(kShape, 4);
  KvSequence first(pool);
  first.extend(70);
  pool.block(first.blocks()[1])[0] = std::byte{42};
  KvSequence second = first;
  EXPECT_EQ(pool.free_blocks(), 2);
  second.extend(1);  // falls into the shared second block
  EXPECT_EQ(second.blocks()[0], first.blocks()[0]);
  EXPECT_NE(second.blocks()[1], first.blocks()[1]);
  EXPECT_EQ(pool.block(second.blocks()[1])[0], std::byte{42});
  second.clear();
  EXPECT_EQ(pool.free_blocks(), 2);
  first.extend(1);  // alone again: no copy
  EXPECT_EQ(pool.free_blocks(), 2);
}

TEST(KvSequence, ABlockSharedInPartIsCopiedWhenItGoesOn) {
  KvPool pool(kShape, 3);
  KvSequence first(pool), second(pool);
  first.extend(40);
  pool.block(first.blocks()[0])[0] = std::byte{42};
  second.append_shared(first.blocks()[0], 30);
  EXPECT_EQ(second.length(), 30);
  EXPECT_TRUE(second.copies_next());
  second.extend(1);
  EXPECT_NE(second.blocks()[0], first.blocks()[0]);
  EXPECT_EQ(pool.block(second.blocks()[0])[0], std::byte{42});
  EXPECT_FALSE(second.copies_next());
}

}  // namespace
}  // namespace pomona::nn
