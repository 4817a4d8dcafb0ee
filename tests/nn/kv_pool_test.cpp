#include "nn/kv_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "decode/prefix_cache.h"

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

TEST(KvSequence, AFullPoolChangesNothing) {
  KvPool pool(kShape, 2);
  KvSequence sequence(pool);
  sequence.extend(100);
  try {
    sequence.extend(100);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::exhausted);
    EXPECT_STREQ(error.what(), "KV cache: 2 more blocks needed, 0 of 2 free");
  }
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

TEST(PrefixCache, SharesWholeBlocksAndLeavesAToken) {
  KvPool pool(kShape, 8);
  decode::PrefixCache cache(pool);
  std::vector<std::int32_t> tokens(130);
  for (int i = 0; i < 130; ++i) tokens[static_cast<std::size_t>(i)] = i % 50;
  const auto keys = decode::block_keys(tokens);
  EXPECT_EQ(keys.size(), 2u);
  {
    KvSequence sequence(pool);
    sequence.extend(130);
    cache.add(tokens, keys, sequence);
  }
  EXPECT_EQ(pool.free_blocks(), 6);
  EXPECT_EQ(cache.idle_blocks(), 2);
  KvSequence whole(pool), exact(pool), other(pool);
  EXPECT_EQ(cache.share(tokens, keys, whole), 128);
  const std::span two_blocks(tokens.data(), 128);
  EXPECT_EQ(cache.share(two_blocks, decode::block_keys(two_blocks), exact), 64)
      << "the last token must be computed";
  tokens[3] = 49;
  EXPECT_EQ(cache.share(tokens, decode::block_keys(tokens), other), 0);
  EXPECT_EQ(cache.idle_blocks(), 0);
  whole.clear();
  exact.clear();
  cache.make_room(7);
  EXPECT_EQ(pool.free_blocks(), 7);
}

}  // namespace
}  // namespace pomona::nn
