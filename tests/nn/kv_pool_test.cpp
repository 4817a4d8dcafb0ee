#include "nn/kv_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

#include "decode/prefix_cache.h"
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

/// A cache that holds the full blocks of `tokens`, and nothing else holds them.
void remember(decode::PrefixCache& cache, KvPool& pool, std::span<const std::int32_t> tokens,
              std::span<const decode::BlockKey> keys) {
  KvSequence sequence(pool);
  sequence.extend(static_cast<std::int64_t>(tokens.size()));
  cache.add(tokens, keys, sequence);
}

TEST(PrefixCache, TheEndOfATextGoesFirst) {
  KvPool pool(kShape, 8);
  decode::PrefixCache cache(pool);
  std::vector<std::int32_t> tokens(257), other(65, 7);
  for (int i = 0; i < 257; ++i) tokens[static_cast<std::size_t>(i)] = i % 50;
  const auto keys = decode::block_keys(tokens);
  remember(cache, pool, other, decode::block_keys(other));
  remember(cache, pool, tokens, keys);
  EXPECT_EQ(pool.free_blocks(), 3);
  const auto shared = [&] {
    KvSequence sequence(pool);
    return cache.share(tokens, keys, sequence);
  };
  EXPECT_EQ(shared(), 256);
  cache.make_room(4);  // the older text goes first
  EXPECT_EQ(shared(), 256);
  cache.make_room(5);
  EXPECT_EQ(shared(), 192);
  cache.make_room(7);
  EXPECT_EQ(shared(), 64);
  cache.make_room(8);
  EXPECT_EQ(pool.free_blocks(), 8);
}

TEST(PrefixCache, ABlockWithAnotherBeginningIsAnotherBlock) {
  KvPool pool(kShape, 8);
  decode::PrefixCache cache(pool);
  std::vector<std::int32_t> tokens(129, 5);
  const decode::BlockKey keys[] = {1, 2};
  remember(cache, pool, tokens, keys);
  tokens[0] = 6;
  const decode::BlockKey colliding[] = {3, 2};  // the second block's hash is that of the first text
  remember(cache, pool, tokens, colliding);
  KvSequence sequence(pool);
  EXPECT_EQ(cache.share(tokens, colliding, sequence), 64);
}

TEST(PrefixCache, ABlockInUseKeepsThoseBeforeIt) {
  KvPool pool(kShape, 8);
  decode::PrefixCache cache(pool);
  const std::vector<std::int32_t> tokens(129, 5);
  const auto keys = decode::block_keys(tokens);
  KvSequence sequence(pool);  // computes both blocks itself
  sequence.extend(129);
  remember(cache, pool, std::span(tokens).first(65), std::span(keys).first(1));
  cache.add(tokens, keys, sequence);
  cache.make_room(8);  // the first block is idle, but the second one, in use, stands on it
  KvSequence again(pool);
  EXPECT_EQ(cache.share(tokens, keys, again), 128);
  again.clear();
  sequence.clear();
  cache.make_room(8);
  EXPECT_EQ(pool.free_blocks(), 8);
}

}  // namespace
}  // namespace pomona::nn
