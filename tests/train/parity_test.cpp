// Training against PyTorch, transformers and PEFT: losses, gradients and ten steps of AdamW of
// every method on tiny models (tests/golden/training).
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "tests/support/engine.h"
#include "tests/support/golden.h"
#include "train/language_modelling.h"
#include "train/method.h"
#include "train/trainer.h"

namespace pomona::train {
namespace {

using golden::Golden;

/// A case: its name is MODEL or MODEL_METHOD.
struct Case {
  std::string name, model, method;
};

Case case_of(const std::string& name) {
  const std::size_t at = name.find('_');
  if (at == name.npos) return {name, name, "full"};
  return {name, name.substr(0, at), name.substr(at + 1)};
}

RunFile::Method settings_of(const Case& test) {
  RunFile::Method settings;
  settings.kind = test.method;
  settings.rank = 4;
  settings.alpha = 8;
  settings.virtual_tokens = 4;
  return settings;
}

/// Where PEFT and transformers keep a parameter: the array's name, and which of its values are the
/// parameter's, in order.
struct Place {
  std::string array;
  std::vector<std::size_t> values;
  std::size_t of = 0;  // values in the whole array
};

class Training : public testing::TestWithParam<std::string> {
 protected:
  Training()
      : test(case_of(GetParam())),
        golden("training/" + test.name),
        engine(2),
        model(model::load_model(golden::path_of("families/" + test.model))) {
    engine.context.compute = Compute::f32;
    parameters = make_trainable(model, settings_of(test), 1, engine.context);
    std::vector<Example> rows;
    for (const std::string i : {"0", "1"}) {
      Example& row = rows.emplace_back();
      row.tokens = golden.integers("tokens." + i);
      const std::vector<std::int32_t> targets = golden.integers("targets." + i);
      row.supervised.push_back(0);
      for (std::size_t t = 0; t + 1 < targets.size(); ++t)
        row.supervised.push_back(targets[t] >= 0 ? 1 : 0);
    }
    examples = examples_of(rows);
  }

  /// In our order, rows of W are outputs; GPT-2's are inputs at the hub.
  Place place_of(const TrainedParameter& one) const {
    const Shape& shape = one.parameter->value.shape();
    const auto N = static_cast<std::size_t>(shape[0]);
    const std::size_t K = static_cast<std::size_t>(one.parameter->value.elements()) / N;
    Place place{one.name, {}, N * K};
    std::size_t width = K, start = 0;
    bool turned = false;
    if (one.name.ends_with(".lora_A") || one.name.ends_with(".lora_B")) {
      place.array = std::string("base_model.model.").append(one.name).append(".weight");
    } else if (one.name == "prompt_embeddings") {
      place.array = "prompt_encoder.embedding.weight";
    } else if (one.name.starts_with("prefix.")) {
      place.array = "prompt_encoder.embedding.weight";
      width = 2 * K * static_cast<std::size_t>(model.lm->shape().L);
      place.of = N * width;
      start = (2 * std::stoul(one.name.substr(7)) + (one.name.ends_with(".values") ? 1 : 0)) * K;
    } else {
      turned =
          test.model == "gpt2" && shape.rank() == 2 && one.name.find(".h.") != std::string::npos;
    }
    for (std::size_t n = 0; n < N; ++n) {
      for (std::size_t k = 0; k < K; ++k)
        place.values.push_back(turned ? k * N + n : n * width + start + k);
    }
    return place;
  }

  void start() {
    for (const TrainedParameter& one : parameters) {
      const Place place = place_of(one);
      if (test.method == "full") continue;
      const std::vector<double> values = golden.numbers("start." + place.array);
      for (std::size_t i = 0; i < place.values.size(); ++i)
        one.parameter->value.data<float>()[i] = static_cast<float>(values[place.values[i]]);
    }
  }

  /// Adds what of `tensor` the golden keeps to sums of squared differences and values.
  void compare(const std::string& what, const Place& place, const float* tensor,
               std::map<std::string, std::pair<double, double>>& sums) const {
    const std::vector<double> kept = golden.numbers(what + "." + place.array);
    const auto stride = golden.facts().at("stride").get<std::size_t>();
    const bool whole = place.of <= golden.facts().at("whole").get<std::size_t>();
    auto& [difference, norm] = sums[place.array];
    for (std::size_t i = 0; i < place.values.size(); ++i) {
      const std::size_t at = place.values[i];
      if (!whole && at % stride != 0) continue;
      const double want = kept[whole ? at : at / stride];
      difference += (tensor[i] - want) * (tensor[i] - want);
      norm += want * want;
    }
  }

  /// Within 1e-5 of each tensor's norm, or four times what PyTorch's own f32 differs from f64;
  /// twice that where soft caps go through our tanh, which is good to 2 ulp.
  void expect_near(const std::string& what,
                   const std::map<std::string, std::pair<double, double>>& sums) const {
    const Json& own = golden.facts().at("f32_" + what + "_errors");
    for (const auto& [name, sum] : sums) {
      const double bound =
          (test.model == "gemma2" ? 2 : 1) * std::max(1e-5, 4 * own.at(name).get<double>());
      EXPECT_LE(std::sqrt(sum.first / sum.second), bound) << what << " of " << name;
    }
  }

  const Case test;
  const Golden golden;
  test::Engine engine;
  model::Model model;
  std::vector<TrainedParameter> parameters;
  Examples examples;
};

TEST_P(Training, EqualsTheReference) {
  start();
  std::vector<Trainable> trainables;
  std::vector<Place> places;
  std::vector<std::vector<float>> before;
  for (const TrainedParameter& one : parameters) {
    const Tensor& value = one.parameter->value;
    trainables.push_back({one.name, value, {}, one.decay});
    places.push_back(place_of(one));
    before.emplace_back(value.data<float>(), value.data<float>() + value.elements());
  }
  LanguageModelling objective(*model.lm, {{"rows", &examples}});
  // All rows in each step, in one pass.
  Trainer trainer(objective, Sampler({{.rows = 2}}, 1, 1), trainables,
                  {.kind = OptimiserKind::adamw}, {.kind = ScheduleKind::constant},
                  {.steps = 10, .batch_rows = 2, .learning_rate = 1e-3, .clip = 1});
  const std::vector<double> losses = golden.numbers("losses"), norms = golden.numbers("norms");
  std::map<std::string, std::pair<double, double>> sums;
  for (std::size_t step = 0; step < 10; ++step) {
    const StepReport report = trainer.step(engine.context);
    EXPECT_NEAR(report.loss, losses[step], 1e-5 * losses[step]) << "step " << step;
    EXPECT_NEAR(report.gradient_norm, norms[step], 1e-4 * norms[step]) << "step " << step;
    if (step > 0) continue;
    for (std::size_t i = 0; i < places.size(); ++i)
      compare("gradient", places[i], trainer.trainables()[i].gradient.data<float>(), sums);
    expect_near("gradient", sums);
    sums.clear();
  }
  for (std::size_t i = 0; i < places.size(); ++i) {
    std::vector<float> update = before[i];
    for (std::size_t k = 0; k < update.size(); ++k)
      update[k] = trainables[i].value.data<float>()[k] - update[k];
    compare("update", places[i], update.data(), sums);
  }
  expect_near("update", sums);
}

TEST_P(Training, LayersComputedAgainAndThreadsChangeNoBit) {
  start();
  std::vector<std::vector<float>> gradients[2];
  for (const bool again : {false, true}) {
    test::Engine other(again ? 3 : 1);
    other.context.compute = Compute::bf16;
    other.context.recompute = again;
    std::vector<Trainable> trainables;
    for (const TrainedParameter& one : parameters) {
      one.parameter->value.variable()->gradient =
          std::make_shared<Tensor>(Tensor::zeros(one.parameter->value.shape()));
    }
    LanguageModelling objective(*model.lm, {{"rows", &examples}});
    const std::vector<RowId> rows = {{0, 0}, {0, 1}};
    objective.accumulate(other.context, rows, 0.25);
    for (const TrainedParameter& one : parameters) {
      const Tensor& gradient = one.parameter->value.gradient();
      gradients[again ? 1 : 0].emplace_back(gradient.data<float>(),
                                            gradient.data<float>() + gradient.elements());
    }
  }
  EXPECT_EQ(gradients[0], gradients[1]);
}

INSTANTIATE_TEST_SUITE_P(All, Training,
                         testing::Values("llama", "gpt2", "qwen2", "gemma2", "llama_lora",
                                         "llama_rslora", "gpt2_lora", "llama_prompt", "gpt2_prompt",
                                         "llama_prefix", "gpt2_prefix"),
                         [](const auto& case_info) { return case_info.param; });

}  // namespace
}  // namespace pomona::train
