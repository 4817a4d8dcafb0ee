// What a run leaves behind answers as the model that was trained.
#include "train/output.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <ostream>

#include "base/file.h"
#include "model/adapter.h"
#include "tests/support/golden.h"
#include "tests/support/temp_folder.h"

namespace pomona::train {
namespace {

struct Case {
  std::string method, base;
};

void PrintTo(const Case& test, std::ostream* out) { *out << test.method << " of " << test.base; }

class OutputTest : public testing::TestWithParam<Case> {
 protected:
  std::vector<float> logits(const model::Model& model, const Context& context) const {
    nn::Batch batch;
    const std::vector<std::int32_t> tokens = {5, 9, 17, 33, 8};
    batch.append(model.lm->with_virtual_tokens(tokens), 0, nullptr, nn::Batch::Logits::last);
    const Tensor y = model.lm->forward(batch, context);
    return {y.data<float>(), y.data<float>() + y.elements()};
  }
  test::TempFolder folder_;
};

TEST_P(OutputTest, AnswersAsTheTrainedModel) {
  write_file(folder_ / "train.jsonl",
             "{\"prompt\": \"hill\", \"completion\": \" river\"}\n"
             "{\"prompt\": \"wood\", \"completion\": \" field\"}\n");
  RunFile run = default_run(GetParam().method);
  run.model.base = golden::path_of(GetParam().base).string();
  run.data.sets.resize(1);
  run.data.sets.front().train = folder_ / "train.jsonl";
  run.train.steps = 2;
  run.train.epochs.reset();
  run.train.precision = "f32";
  run.optimiser.learning_rate = 0.01;
  run.method.virtual_tokens = 3;
  run.method.last_layers = 1;
  run.output = folder_.path();
  const StopToken stop;
  train::Setup setup(run, stop);
  const model::Model base = model::load_model(setup.resolved.path);
  const std::vector<float> before = logits(base, setup.context);
  while (!setup.trainer->finished()) setup.trainer->step(setup.context);
  const std::vector<float> trained = logits(setup.model, setup.context);
  EXPECT_NE(trained, before);
  const std::filesystem::path to = write_output(setup, folder_.path(), no_progress(), stop);
  const bool adapter = to.filename() == "adapter";
  const model::Model read =
      adapter ? model::load_adapted(setup.resolved.path, 0, {{to, 1}}) : model::load_model(to);
  EXPECT_EQ(logits(read, setup.context), trained);
}

INSTANTIATE_TEST_SUITE_P(
    All, OutputTest,
    testing::Values(Case{"lora", "llama_tiny.gguf"}, Case{"rslora", "families/gpt2"},
                    Case{"prompt", "llama_tiny.gguf"}, Case{"prefix", "families/gpt2"},
                    Case{"full", "llama_tiny.gguf"}, Case{"full", "families/gpt2"},
                    Case{"freeze", "families/llama"}, Case{"full", "families/gemma2.gguf"}),
    [](const auto& case_info) {
      std::string name = case_info.param.method + "_" + case_info.param.base;
      for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
      return name;
    });

}  // namespace
}  // namespace pomona::train
