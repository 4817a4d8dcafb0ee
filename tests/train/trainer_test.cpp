// The loop on a classifier of a few numbers: it knows nothing of language models.
#include "train/trainer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "op/ops.h"
#include "tests/support/engine.h"
#include "tests/support/refused.h"
#include "train/passes.h"

namespace pomona::train {
namespace {

using test::Engine;
using test::refused;

/// Row r has r % 3 + 1 tokens of random features; its class is r % 3.
class Classes final : public Objective {
 public:
  explicit Classes(std::int64_t rows) : features_(op::sample_tensor({rows, 8}, 1, DType::f32)) {
    weight = Parameter(op::sample_tensor({3, 8}, 2, DType::f32));
    weight.value.require_gradient();
  }
  RowSize size(const RowId& row) const override { return {row.row % 3 + 1, 1}; }
  std::string name(const RowId& row) const override { return "row " + std::to_string(row.row); }
  LossSum accumulate(const Context& context, std::span<const RowId> rows, double factor) override {
    Tape tape;
    Context recording = context;
    recording.tape = &tape;
    const Tensor losses = loss(recording, rows);
    tape.backward(context, op::scaled_sum(recording, losses, factor));
    return sum(losses);
  }
  LossSum evaluate(const Context& context, std::span<const RowId> rows) const override {
    return sum(loss(context, rows));
  }
  void spoil(std::int64_t row) { features_.data<float>()[row * 8] = std::nanf(""); }

  Parameter weight;

 private:
  Tensor loss(const Context& context, std::span<const RowId> rows) const {
    std::vector<std::int32_t> index;
    const Tensor targets = Tensor::zeros({static_cast<std::int64_t>(rows.size())}, DType::i32);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      index.push_back(static_cast<std::int32_t>(rows[i].row));
      targets.data<std::int32_t>()[i] = static_cast<std::int32_t>(rows[i].row % 3);
    }
    const Parameter* weights[] = {&weight};
    return op::cross_entropy(
        context, op::linear(context, op::gather_rows(context, features_, index), weights), targets);
  }
  static LossSum sum(const Tensor& losses) {
    LossSum sum{0, losses.elements()};
    for (std::int64_t i = 0; i < losses.elements(); ++i)
      sum.loss += static_cast<double>(losses.data<float>()[i]);
    return sum;
  }
  Tensor features_;
};

struct Loop {
  explicit Loop(std::int64_t pack_tokens = 1000, int threads = 1, std::int64_t steps = 12)
      : engine(threads),
        objective(20),
        trainer(
            objective, Sampler({{.rows = 20}}, 1, 5), {{"weight", objective.weight.value, {}}}, {},
            {},
            {.steps = steps, .batch_rows = 8, .pack_tokens = pack_tokens, .learning_rate = 0.05}) {
    engine.context.compute = Compute::f32;
  }
  std::vector<float> weights() const {
    const float* const from = objective.weight.value.data<float>();
    return {from, from + 24};
  }
  Engine engine;
  Classes objective;
  Trainer trainer;
};

TEST(Trainer, LearnsAndReportsWhatItDid) {
  Loop loop;
  double first = 0, last = 0;
  while (!loop.trainer.finished()) {
    const StepReport report = loop.trainer.step(loop.engine.context);
    if (report.step == 1) first = report.loss;
    last = report.loss;
    EXPECT_EQ(report.rows, 8);
    EXPECT_EQ(report.terms, 8);
    EXPECT_EQ(report.passes, 1);
    EXPECT_GT(report.gradient_norm, 0);
  }
  EXPECT_EQ(loop.trainer.steps_done(), 12);
  EXPECT_LT(last, first);
}

TEST(Trainer, PassesOnlyArrangeTheRows) {
  Loop whole(1000), pieces(3);
  for (int i = 0; i < 12; ++i) {
    const StepReport a = whole.trainer.step(whole.engine.context),
                     b = pieces.trainer.step(pieces.engine.context);
    EXPECT_GT(b.passes, 3);
    EXPECT_NEAR(a.loss, b.loss, 1e-6 * a.loss);  // sums of 8 losses in another order
  }
  const auto a = whole.weights(), b = pieces.weights();
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-5);
}

TEST(Trainer, ResumedGivesTheSameBitsForAnyNumberOfThreads) {
  Loop whole(6, 1), first(6, 3), second(6, 2);
  for (int i = 0; i < 12; ++i) whole.trainer.step(whole.engine.context);
  for (int i = 0; i < 5; ++i) first.trainer.step(first.engine.context);
  const std::vector<StateTensor> from = first.trainer.state(), to = second.trainer.state();
  ASSERT_EQ(from.size(), to.size());
  for (std::size_t i = 0; i < from.size(); ++i) {
    EXPECT_EQ(from[i].name, to[i].name);
    std::memcpy(to[i].value.raw(), from[i].value.raw(),
                static_cast<std::size_t>(from[i].value.bytes()));
  }
  second.trainer.resume_at(5);
  while (!second.trainer.finished()) second.trainer.step(second.engine.context);
  EXPECT_EQ(whole.weights(), second.weights());
}

TEST(Trainer, StopsBeforeAnUpdateThatIsNotANumberAndNamesTheRows) {
  Loop loop;
  loop.trainer.step(loop.engine.context);
  loop.objective.spoil(3);
  loop.objective.spoil(11);
  const std::vector<float> before = loop.weights();
  std::string message;
  for (int i = 0; i < 5 && message.empty(); ++i) {
    const std::vector<float> kept = loop.weights();
    try {
      loop.trainer.step(loop.engine.context);
    } catch (const Error& error) {
      message = error.what();
      EXPECT_EQ(loop.weights(), kept);
    }
  }
  EXPECT_NE(message.find("the loss or its gradient is not a number in row "), message.npos)
      << message;
}

TEST(Trainer, AStopChangesNothing) {
  Loop loop, whole;
  StopToken stop;
  loop.engine.context.stop = &stop;
  loop.trainer.step(loop.engine.context);
  stop.request();
  EXPECT_EQ(refused([&] { loop.trainer.step(loop.engine.context); }),
            "cancelled: training: interrupted");
  EXPECT_EQ(loop.trainer.steps_done(), 1);
  stop.clear();
  loop.trainer.step(loop.engine.context);
  for (int i = 0; i < 2; ++i) whole.trainer.step(whole.engine.context);
  EXPECT_EQ(loop.weights(), whole.weights());
}

TEST(PackRows, FillsPassesAndLeavesLongRowsAlone) {
  const Classes objective(20);
  std::vector<RowId> rows;
  for (std::int64_t row = 0; row < 9; ++row) rows.push_back({0, row});  // 1, 2, 3, 1, 2, 3 ...
  const auto passes = pack_rows(objective, rows, 6);
  ASSERT_EQ(passes.size(), 3U);
  std::size_t count = 0;
  for (const auto& pass : passes) {
    std::int64_t tokens = 0;
    for (std::size_t i = 0; i < pass.size(); ++i) {
      tokens += objective.size(pass[i]).tokens;
      EXPECT_TRUE(i == 0 || pass[i - 1].row < pass[i].row);
    }
    EXPECT_EQ(tokens, 6);
    count += pass.size();
  }
  EXPECT_EQ(count, 9U);
  EXPECT_EQ(pack_rows(objective, rows, 2).size(), 8U);  // 3, 3, 3, 2, 2, 2, 1 1, 1
}

}  // namespace
}  // namespace pomona::train
