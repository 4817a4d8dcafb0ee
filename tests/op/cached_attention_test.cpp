// What attention against a cache refuses, since its kernels would write or read outside their
// memory.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "nn/kv_pool.h"
#include "op/ops.h"
#include "tests/support/engine.h"
#include "tests/support/refused.h"

namespace pomona {
namespace {

using test::Engine;
using test::refused;

struct CacheCall {
  std::int64_t E = 16;
  std::int64_t rows = 3;  // of q, k and v
  op::CacheSlice slice = {0, 3, 62, {}};
  std::size_t blocks = 2;
};

std::string call(CacheCall one) {
  Engine engine;
  const std::int64_t G = 1, H = 2;
  const nn::KvShape shape{1, G, 256, kernel::KvKind::bf16};  // room for any E that is taken
  nn::KvPool pool(shape, static_cast<std::int64_t>(one.blocks));
  std::vector<std::byte*> blocks;
  for (std::size_t i = 0; i < one.blocks; ++i)
    blocks.push_back(pool.block(static_cast<std::int32_t>(i)));
  one.slice.blocks = blocks;
  const Tensor q = op::sample_tensor({one.rows, H * one.E}, 1, DType::f32);
  const Tensor k = op::sample_tensor({one.rows, G * one.E}, 2, DType::f32);
  return refused([&] {
    op::cached_attention(engine.context, q, k, k, std::array{one.slice}, shape.kind, one.E);
  });
}

TEST(CachedAttention, RefusesHeadsThatItsKernelsCannotHold) {
  EXPECT_EQ(call({}), "nothing");
  EXPECT_EQ(call({.E = 256}), "nothing");
  EXPECT_EQ(call({.E = 8}),
            "bad_shape: cached_attention: q (3, 16), k (3, 8), v (3, 8), head size 8");
  EXPECT_EQ(call({.E = 272}),
            "bad_shape: cached_attention: q (3, 544), k (3, 272), v (3, 272), head size 272");
}

TEST(CachedAttention, RefusesRowsAndPositionsThatAreNotThere) {
  EXPECT_EQ(call({.blocks = 1}),
            "bad_shape: cached_attention: 3 rows from row 0 of 3, to positions from 62 of a cache "
            "for 64");
  EXPECT_EQ(call({.slice = {1, 3, 0, {}}}),
            "bad_shape: cached_attention: 3 rows from row 1 of 3, to positions from 0 of a cache "
            "for 128");
  EXPECT_EQ(call({.slice = {0, 3, -1, {}}}),
            "bad_shape: cached_attention: 3 rows from row 0 of 3, to positions from -1 of a cache "
            "for 128");
  EXPECT_EQ(call({.slice = {0, 3, 125, {}}}), "nothing");
}

}  // namespace
}  // namespace pomona
