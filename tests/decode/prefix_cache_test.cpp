// The radix tree over KV blocks: what is found again, what is shared, and what goes first.
#include "decode/prefix_cache.h"

#include <gtest/gtest.h>

#include <numeric>
#include <span>
#include <vector>

namespace pomona::decode {
namespace {

using nn::KvPool;
using nn::KvSequence;
using Tokens = std::vector<std::int32_t>;

constexpr nn::KvShape kShape{.L = 2, .G = 1, .E = 16, .kind = kernel::KvKind::bf16};

Tokens counted(int length, std::int32_t first = 0) {
  Tokens tokens(static_cast<std::size_t>(length));
  std::iota(tokens.begin(), tokens.end(), first);
  return tokens;
}

Tokens joined(Tokens front, const Tokens& back) {
  front.insert(front.end(), back.begin(), back.end());
  return front;
}

struct Prefixes : testing::Test {
  KvPool pool{kShape, 12};
  PrefixCache cache{pool};

  /// The blocks of `tokens` are in the cache, and nothing else holds them.
  void remember(std::span<const std::int32_t> tokens, bool last_block = true) {
    KvSequence sequence(pool);
    sequence.extend(static_cast<std::int64_t>(tokens.size()));
    cache.add(tokens, sequence, last_block);
  }

  std::int64_t shared(std::span<const std::int32_t> tokens, bool whole_blocks = false) {
    KvSequence sequence(pool);
    const std::int64_t known = cache.known(tokens);
    const std::int64_t shared = cache.share(tokens, sequence, whole_blocks);
    EXPECT_EQ(shared, sequence.length());
    EXPECT_EQ(shared, whole_blocks ? known / kernel::kKvBlock * kernel::kKvBlock : known);
    return shared;
  }
};

TEST_F(Prefixes, AreSharedToTheTokenButForTheLast) {
  const Tokens text = counted(300);
  remember(text);
  EXPECT_EQ(pool.free_blocks(), 7);
  EXPECT_EQ(cache.idle_blocks(), 5);
  EXPECT_EQ(shared(joined(text, {1000, 1001})), 300);
  EXPECT_EQ(shared(text), 299) << "the last token must be computed";
  EXPECT_EQ(shared(joined(counted(150), {7, 8, 9})), 150) << "in part of a full block";
  EXPECT_EQ(shared(joined(text, {1}), true), 256);
  EXPECT_EQ(shared(joined(counted(130), {5})), 128) << "two positions are not worth a block";
  EXPECT_EQ(shared(counted(300, 1)), 0);
  EXPECT_EQ(shared({}), 0);
  EXPECT_EQ(pool.free_blocks(), 7) << "all of it was given back";
}

TEST_F(Prefixes, TheLongestOfSeveralTextsIsFound) {
  const Tokens start = counted(70);
  for (const std::int32_t turn : {500, 100, 300}) remember(joined(start, counted(40, turn)));
  for (const std::int32_t turn : {100, 300, 500}) {
    EXPECT_EQ(shared(joined(joined(start, counted(20, turn)), counted(20, 900))), 90) << turn;
  }
  EXPECT_EQ(shared(joined(start, counted(40, 299))), 64) << "six more are not worth a block";
}

TEST_F(Prefixes, ALongerBlockTakesTheShorterOnesPlace) {
  const Tokens text = counted(128);
  remember(std::span(text).first(90));
  EXPECT_EQ(cache.idle_blocks(), 2);
  remember(std::span(text).first(80));  // known already
  EXPECT_EQ(cache.idle_blocks(), 2);
  remember(std::span(text).first(110));
  EXPECT_EQ(cache.idle_blocks(), 2);
  EXPECT_EQ(shared(joined(text, {1})), 110);
  remember(text);
  EXPECT_EQ(cache.idle_blocks(), 2);
  EXPECT_EQ(shared(joined(text, {1})), 128);
}

TEST_F(Prefixes, WithoutTheLastBlockOnlyFullOnesAreKept) {
  const Tokens text = counted(100);
  remember(text, false);
  EXPECT_EQ(cache.idle_blocks(), 1);
  EXPECT_EQ(shared(text), 64);
}

TEST_F(Prefixes, TheEndOfATextGoesFirst) {
  const Tokens text = counted(256), other = counted(64, 1000);
  const Tokens next = joined(text, {1});
  remember(other);
  remember(text);
  EXPECT_EQ(pool.free_blocks(), 7);
  EXPECT_EQ(shared(next), 256);
  cache.make_room(8);  // the older text goes first
  EXPECT_EQ(shared(joined(other, {1})), 0);
  EXPECT_EQ(shared(next), 256);
  cache.make_room(9);
  EXPECT_EQ(shared(next), 192);
  cache.make_room(11);
  EXPECT_EQ(shared(next), 64);
  cache.make_room(12);
  EXPECT_EQ(pool.free_blocks(), 12);
}

TEST_F(Prefixes, TheSameBlockBehindAnotherBeginningIsAnother) {
  const Tokens end(64, 5);
  remember(joined(counted(64), end));
  remember(joined(counted(64, 100), end));
  EXPECT_EQ(cache.idle_blocks(), 4);
  EXPECT_EQ(shared(joined(joined(counted(64, 200), end), {1})), 0);
}

TEST_F(Prefixes, ABlockInUseKeepsThoseBeforeIt) {
  const Tokens text = counted(128);
  KvSequence sequence(pool);  // computes both blocks itself
  sequence.extend(128);
  remember(std::span(text).first(64));
  cache.add(text, sequence, true);
  cache.make_room(12);  // the first block is idle, but the second one, in use, stands on it
  EXPECT_EQ(shared(joined(text, {1})), 128);
  sequence.clear();
  cache.make_room(12);
  EXPECT_EQ(pool.free_blocks(), 12);
}

}  // namespace
}  // namespace pomona::decode
