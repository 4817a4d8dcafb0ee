// What a run is told to take is what it takes.
#include "train/plan.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "tests/support/golden.h"
#include "tests/support/temp_folder.h"

namespace pomona::train {
namespace {

class PlanTest : public testing::TestWithParam<std::string> {
 protected:
  RunFile run() {
    std::string rows;
    for (int i = 0; i < 9; ++i)
      rows += fmt::format("{{\"prompt\": \"hill {}\", \"completion\": \" {}{} river\"}}\n", i,
                          9 - i, std::string(static_cast<std::size_t>(5 * i), '7'));
    write_file(folder_ / "train.jsonl", rows);
    RunFile run = default_run(GetParam());
    run.model.base = golden::path_of("llama_tiny.gguf").string();
    run.data.sets.resize(1);
    run.data.sets.front().train = folder_ / "train.jsonl";
    run.train.threads = 2;
    run.train.batch_size = 3;
    run.train.epochs = 2;
    run.method.virtual_tokens = 3;
    run.method.last_layers = 1;
    run.output = folder_ / "out";
    return run;
  }
  test::TempFolder folder_;
};

TEST_P(PlanTest, ActivationsAreExactAndCountsTrue) {
  for (const bool again : {false, true}) {
    for (const char* precision : {"f32", "bf16"}) {
      RunFile file = run();
      file.train.checkpoint_activations = again;
      file.train.precision = precision;
      const StopToken stop;
      train::Setup setup(file, stop);
      const TunePlan plan = plan_bytes(setup);
      EXPECT_EQ(plan.steps, 6);
      EXPECT_EQ(plan.evaluations, 2);
      std::int64_t tokens = 0;
      while (!setup.trainer->finished()) tokens += setup.trainer->step(setup.context).tokens;
      EXPECT_EQ(plan.tokens, tokens);
      EXPECT_EQ(plan.activations, setup.context.arena.peak()) << again << precision;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, PlanTest,
                         testing::Values("lora", "full", "freeze", "prompt", "prefix"),
                         [](const auto& case_info) { return case_info.param; });

}  // namespace
}  // namespace pomona::train
