// The real model against transformers: every block, logits, greedy tokens; and that batches, caches
// and threads change no bit of it. Skips where the model is absent (./run fetches it).
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "decode/scheduler.h"
#include "model/model.h"
#include "tests/support/engine.h"
#include "tests/support/golden.h"
#include "tests/support/real_model.h"

namespace pomona::model {
namespace {

using golden::Golden;
using test::Engine;

class LlamaReal : public testing::Test {
 protected:
  void SetUp() override {
    const auto path = test::real_model();
    if (!path) GTEST_SKIP() << test::kNoRealModel;
    model = load_model(*path);
  }
  Model model;
};

/// Row `index` of `found` against row `index` of `expected`, relative to the row's own largest
/// value.
void expect_row(const float* found, const double* expected, std::size_t n, double bound,
                const std::string& what) {
  double worst = 0, largest = 0;
  for (std::size_t i = 0; i < n; ++i) {
    worst = std::max(worst, std::abs(static_cast<double>(found[i]) - expected[i]));
    largest = std::max(largest, std::abs(expected[i]));
  }
  EXPECT_LT(worst, bound * largest) << what;
}

TEST_F(LlamaReal, EveryBlockEqualsTransformers) {
  const Golden golden("llama_real");
  Engine engine(2);
  engine.context.compute = Compute::f32;
  const std::vector<std::int32_t> tokens = golden.integers("tokens"),
                                  positions = golden.integers("positions");
  int seen = 0;
  const Probe probe = [&](std::string_view name, const Tensor& value) {
    const std::string array = name == "embed_tokens" ? "embedding"
                              : name == "norm"       ? "norm"
                                                     : "block" + std::string(name.substr(6));
    const std::vector<double> expected = golden.numbers(array);
    for (std::size_t i = 0; i < positions.size(); ++i) {
      expect_row(value.data<float>() + positions[i] * 576, expected.data() + i * 576, 576, 1e-4,
                 array);
    }
    ++seen;
  };
  engine.context.probe = &probe;
  nn::Batch batch;
  batch.append(tokens, 0, nullptr, nn::Batch::Logits::all);
  const Tensor logits = model.lm->forward(batch, engine.context);
  EXPECT_EQ(seen, 32);

  const std::vector<std::int32_t> ids = golden.integers("logit_ids"),
                                  best = golden.integers("best_ids");
  const std::vector<double> expected = golden.numbers("logits");
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    const float* row = logits.data<float>() + static_cast<std::int64_t>(t) * logits.size(1);
    std::vector<float> some;
    for (const std::int32_t id : ids) some.push_back(row[id]);
    expect_row(some.data(), expected.data() + t * ids.size(), ids.size(), 1e-4,
               "logits " + std::to_string(t));
    EXPECT_EQ(engine.context.kernels.argmax(row, logits.size(1)), best[t * 10]);
  }
}

/// Greedy answers to the golden prompts, all in one scheduler, or one after another.
std::vector<std::vector<std::int32_t>> answers(const Model& model, const Context& context,
                                               const Golden& golden, std::int64_t together,
                                               std::int64_t prefill) {
  decode::Scheduler scheduler(
      model, context, {.max_sequences = together, .prefill_tokens = prefill, .kv_blocks = 0});
  for (int i = 0; i < 3; ++i) {
    decode::Request request;
    request.prompt = golden.integers("prompt." + std::to_string(i));
    request.max_new_tokens = 32;
    scheduler.submit(std::move(request));
  }
  std::vector<std::vector<std::int32_t>> tokens(3);
  scheduler.run([&](std::int64_t id, decode::Completion completion) {
    tokens[static_cast<std::size_t>(id)] = std::move(completion.tokens);
  });
  return tokens;
}

TEST_F(LlamaReal, GreedyTokensEqualTransformersInEveryCompany) {
  const Golden golden("llama_real");
  for (const auto& [threads, together, prefill] : {std::tuple{1, 1, 512}, {2, 3, 512}, {2, 2, 4}}) {
    Engine engine(threads);
    engine.context.compute = Compute::f32;
    const auto found = answers(model, engine.context, golden, together, prefill);
    for (std::size_t i = 0; i < 3; ++i)
      EXPECT_EQ(found[i], golden.integers("greedy." + std::to_string(i)));
  }
}

TEST_F(LlamaReal, FastAnswersDependOnNeitherThreadsNorCompany) {
  const Golden golden("llama_real");
  Engine one(1), two(2);
  const auto alone = answers(model, one.context, golden, 1, 512);
  EXPECT_EQ(alone, answers(model, two.context, golden, 3, 5));
}

}  // namespace
}  // namespace pomona::model
