// Attention with a window, a soft cap and a scale of its own: the same bits however a batch is cut,
// and the cached and the dense way agree.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "nn/batch.h"
#include "tests/support/engine.h"

namespace pomona::nn {
namespace {

using test::Engine;

constexpr std::int64_t H = 4, G = 2, E = 32;
constexpr op::AttentionOptions kOptions = {.scale = 0.3, .window = 70, .softcap = 2};
constexpr std::int64_t kLengths[] = {210, 90};

/// Queries, keys and values of both sequences, one after the other.
const Tensor& rows(int which) {
  static const Tensor all[] = {op::sample_tensor({300, H * E}, 1, DType::f32),
                               op::sample_tensor({300, G * E}, 2, DType::f32),
                               op::sample_tensor({300, G * E}, 3, DType::f32)};
  return all[which];
}

/// Some rows of one sequence.
struct Cut {
  std::int64_t sequence, first, count;
};

/// The batches one after the other against caches -> (300, H E).
Tensor cached(int threads, kernel::KvKind kind, const std::vector<std::vector<Cut>>& batches) {
  Engine engine(threads);
  KvPool pool({1, G, E, kind}, 16);
  KvSequence sequences[] = {KvSequence(pool), KvSequence(pool)};
  const Tensor result = Tensor::zeros({300, H * E}, DType::f32);
  for (const std::vector<Cut>& cuts : batches) {
    Batch batch;
    BatchState state{batch, Tensor(), {}};
    std::vector<std::int32_t> index;
    for (const Cut& cut : cuts) {
      sequences[cut.sequence].extend(cut.count);
      batch.append(std::vector<std::int32_t>(static_cast<std::size_t>(cut.count)), cut.first,
                   &sequences[cut.sequence], Batch::Logits::none);
      for (std::int64_t i = 0; i < cut.count; ++i) {
        index.push_back(
            static_cast<std::int32_t>((cut.sequence == 0 ? 0 : kLengths[0]) + cut.first + i));
      }
    }
    const auto pick = [&](int which) {
      return op::gather_rows(engine.context, rows(which), index);
    };
    const Tensor y = attend(engine.context, pick(0), pick(1), pick(2), state, 0, E, kOptions);
    for (std::size_t i = 0; i < index.size(); ++i) {
      std::copy_n(y.data<float>() + static_cast<std::int64_t>(i) * H * E, H * E,
                  result.data<float>() + index[i] * H * E);
    }
  }
  return result;
}

std::vector<std::vector<Cut>> one_by_one(std::int64_t sequence, std::int64_t count) {
  std::vector<std::vector<Cut>> batches;
  for (std::int64_t first = 0; first < kLengths[sequence]; first += count)
    batches.push_back({{sequence, first, std::min(count, kLengths[sequence] - first)}});
  return batches;
}

TEST(WindowedAttention, BitsDoNotDependOnThreadsBatchOrCuts) {
  for (const kernel::KvKind kind :
       {kernel::KvKind::f32, kernel::KvKind::bf16, kernel::KvKind::q8}) {
    const Tensor whole = cached(1, kind, {{{0, 0, 210}, {1, 0, 90}}});
    const auto same = [&](const Tensor& other) {
      return std::memcmp(whole.raw(), other.raw(), static_cast<std::size_t>(whole.bytes())) == 0;
    };
    EXPECT_TRUE(same(cached(3, kind, {{{0, 0, 210}, {1, 0, 90}}})));
    EXPECT_TRUE(same(cached(2, kind, {{{1, 0, 30}, {0, 0, 129}}, {{0, 129, 81}, {1, 30, 60}}})));
    for (const std::int64_t count : {1, 37, 64}) {
      auto batches = one_by_one(0, count);
      for (const auto& batch : one_by_one(1, count)) batches.push_back(batch);
      EXPECT_TRUE(same(cached(2, kind, batches))) << count;
    }
  }
}

TEST(WindowedAttention, CachedAndDenseAgree) {
  Engine one(1), three(3);
  const Tensor dense = op::attention(one.context, rows(0), rows(1), rows(2), kLengths, E, kOptions);
  const Tensor threaded =
      op::attention(three.context, rows(0), rows(1), rows(2), kLengths, E, kOptions);
  EXPECT_EQ(std::memcmp(dense.raw(), threaded.raw(), static_cast<std::size_t>(dense.bytes())), 0);
  const Tensor paged = cached(1, kernel::KvKind::f32, {{{0, 0, 210}, {1, 0, 90}}});
  const Tensor unlimited = op::attention(one.context, rows(0), rows(1), rows(2), kLengths, E,
                                         {.scale = 0.3, .softcap = 2});
  double apart = 0;
  for (std::int64_t i = 0; i < dense.elements(); ++i) {
    // As the kernels' own tests have it: 8 (E + T) u on either side for values of order 1.
    EXPECT_NEAR(paged.data<float>()[i], dense.data<float>()[i], 16 * (E + 70) * 0x1p-24);
    apart = std::max(apart, std::fabs(static_cast<double>(unlimited.data<float>()[i]) -
                                      static_cast<double>(dense.data<float>()[i])));
  }
  EXPECT_GT(apart, 0.01);  // the window is seen
}

TEST(WindowedAttention, IsCountedByWhatItSees) {
  EXPECT_EQ(op::mean_seen({}, 0, 100), 50);
  EXPECT_EQ(op::mean_seen({}, 100, 100), 150);
  EXPECT_EQ(op::mean_seen({.window = 20}, 100, 100), 20);
  EXPECT_EQ(op::mean_seen({.window = 20}, 0, 40), (20.0 * 20 / 2 + 20 * 20) / 40);
  EXPECT_EQ(op::mean_seen({.window = 20}, 0, 0), 0);
}

}  // namespace
}  // namespace pomona::nn
