// Which batches attention takes.
#include "nn/batch.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/engine.h"
#include "tests/support/refused.h"

namespace pomona::nn {
namespace {

using test::Engine;
using test::refused;

/// What attend() says to a batch of two sequences of one row each with these caches.
std::string outcome(const KvSequence* first, const KvSequence* second, std::int64_t E = 16,
                    std::int64_t layer = 0) {
  Engine engine;
  Batch batch;
  const std::int32_t token[] = {0};
  batch.append(token, 0, first, Batch::Logits::none);
  batch.append(token, 0, second, Batch::Logits::none);
  const BatchState state{batch, {}, {1, 1}};
  const Tensor q = op::sample_tensor({2, 2 * E}, 1, DType::f32);
  return refused([&] { attend(engine.context, q, q, q, state, layer, E); });
}

TEST(Attend, TakesOneKindOfBatch) {
  KvPool pool({1, 2, 16, kernel::KvKind::bf16}, 4);
  KvPool wide({1, 2, 16, kernel::KvKind::f32}, 1);
  KvSequence first(pool), second(pool), other(wide);
  for (KvSequence* sequence : {&first, &second, &other}) sequence->extend(1);
  const std::string mixed =
      "bad_shape: attend: some sequences of the batch have a cache, others none";
  EXPECT_EQ(outcome(&first, &second), "nothing");
  EXPECT_EQ(outcome(nullptr, nullptr), "nothing");
  EXPECT_EQ(outcome(&first, nullptr), mixed);
  EXPECT_EQ(outcome(nullptr, &second), mixed);
  EXPECT_EQ(outcome(&first, &other),
            "bad_shape: attend: the caches of the batch's sequences differ in shape");
  EXPECT_EQ(outcome(&first, &second, 32),
            "bad_shape: attend: layer 0 with keys (2, 64) of size 32; the cache has 1 layers of 2 "
            "heads of "
            "size 16");
  EXPECT_EQ(outcome(&first, &second, 16, 1),
            "bad_shape: attend: layer 1 with keys (2, 32) of size 16; the cache has 1 layers of 2 "
            "heads of "
            "size 16");
}

}  // namespace
}  // namespace pomona::nn
