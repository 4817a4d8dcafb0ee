// What the speed test gives a model to do, seen by a model that only takes notes.
#include "eval/speed.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/support/engine.h"

namespace pomona::eval {
namespace {

using test::Engine;

/// One forward pass.
struct Pass {
  std::int64_t rows;
  std::size_t sequences, wanted;
  std::int32_t first_position, last_position;
  bool operator==(const Pass&) const = default;
};

class NoteTaker final : public model::CausalLm {
 public:
  NoteTaker() {
    shape_.V = 7;
    shape_.L = shape_.G = 1;
    shape_.E = 16;
    shape_.context = 2048;
  }
  const model::LmShape& shape() const override { return shape_; }
  Tensor states(const nn::Batch& batch, const Context& context) const override {
    passes.push_back({batch.T(), batch.sequences.size(), batch.wanted.size(),
                      batch.positions.front(), batch.positions.back()});
    for (const std::int32_t token : batch.tokens) EXPECT_TRUE(token >= 0 && token < 7);
    const auto rows = static_cast<std::int64_t>(batch.wanted.size());
    if (rows == 0) return {};
    Tensor logits = context.empty({rows, 7});
    std::fill_n(logits.data<float>(), rows * 7, 0.0f);
    return logits;
  }
  Tensor logits(const Tensor& states, const Context&) const override { return states; }
  void each_parameter(const std::function<void(const std::string&, Parameter&)>&) override {}

  mutable std::vector<Pass> passes;

 private:
  model::LmShape shape_;
};

class Speed : public testing::Test {
 protected:
  Speed() {
    auto notes = std::make_unique<NoteTaker>();
    passes = &notes->passes;
    model.lm = std::move(notes);
  }
  SpeedRuns run(const SpeedOptions& options) {
    return measure_speed(model, engine.context, options, no_progress());
  }
  model::Model model;
  std::vector<Pass>* passes;
  Engine engine;
};

TEST_F(Speed, ReadsInPassesAndWritesTokenByToken) {
  const SpeedRuns runs = run({.prefill = 600, .decode = 2, .runs = 2});
  EXPECT_EQ(runs.prefill.size(), 2u);
  EXPECT_EQ(runs.decode.size(), 2u);
  for (const double rate : runs.prefill) EXPECT_GT(rate, 0);
  const std::vector<Pass> one = {
      {512, 1, 0, 0, 511}, {88, 1, 1, 512, 599}, {1, 1, 1, 0, 0}, {1, 1, 1, 1, 1}};
  std::vector<Pass> all;
  for (int i = 0; i < 3; ++i) all.insert(all.end(), one.begin(), one.end());  // warm-up + 2
  EXPECT_EQ(*passes, all);
}

TEST_F(Speed, DepthIsFilledOnceAndBatchesGoTogether) {
  run({.prefill = 10, .decode = 1, .depth = 100, .batch = 3, .runs = 1});
  const std::vector<Pass> all = {{300, 3, 3, 0, 99},
                                 {30, 3, 3, 100, 109},
                                 {3, 3, 3, 100, 100},
                                 {30, 3, 3, 100, 109},
                                 {3, 3, 3, 100, 100}};
  EXPECT_EQ(*passes, all);
}

TEST_F(Speed, MeasuresOnlyWhatIsAskedFor) {
  EXPECT_TRUE(run({.prefill = 0, .decode = 1, .runs = 1}).prefill.empty());
  EXPECT_TRUE(run({.prefill = 1, .decode = 0, .runs = 1}).decode.empty());
}

TEST_F(Speed, RefusesWhatDoesNotFit) {
  EXPECT_THROW(run({.prefill = 2049}), Error);
  EXPECT_THROW(run({.prefill = 1, .decode = 48, .depth = 2001}), Error);
  EXPECT_THROW(run({.prefill = 0, .decode = 0}), Error);
  StopToken stop;
  stop.request();
  engine.context.stop = &stop;
  EXPECT_THROW(run({.prefill = 1}), Error);
}

TEST(Median, OfOddEvenAndNoValues) {
  EXPECT_EQ(median({3, 1, 2}), 2);
  EXPECT_EQ(median({4, 1, 2, 3}), 2.5);
  EXPECT_EQ(median({}), 0);
}

}  // namespace
}  // namespace pomona::eval
