// Optimisers against PyTorch and transformers (tests/golden/optimisers, by
// tools/oracle/optimisers.py).
#include "train/optimiser.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "tests/support/engine.h"
#include "tests/support/golden.h"
#include "tests/support/refused.h"
#include "train/clip.h"

namespace pomona::train {
namespace {

Tensor tensor_of(const std::vector<double>& values, const std::vector<std::size_t>& sizes) {
  Shape shape(std::vector<std::int64_t>(sizes.begin(), sizes.end()));
  Tensor tensor = Tensor::zeros(shape);
  std::copy_n(values.begin() + 0, values.size(), tensor.data<float>());
  return tensor;
}

/// The tensors of the golden at their start.
std::vector<Trainable> start_of(const golden::Golden& golden) {
  std::vector<Trainable> trainables;
  for (const auto& name : golden.facts()["tensors"]) {
    const std::string array = "start." + name.get<std::string>();
    trainables.push_back({name, tensor_of(golden.numbers(array), golden.shape(array)), {}});
    trainables.back().gradient = Tensor::zeros(trainables.back().value.shape());
  }
  return trainables;
}

/// The gradients of step `step`, counted from 0.
void set_gradients(const golden::Golden& golden, std::vector<Trainable>& trainables,
                   std::size_t step) {
  for (Trainable& trainable : trainables) {
    const auto all = golden.numbers("gradient." + trainable.name);
    const auto n = trainable.value.elements();
    std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(step) * n, n,
                trainable.gradient.data<float>());
  }
}

struct Case {
  std::string golden;
  OptimiserSettings settings;
};

OptimiserSettings with_decay(OptimiserKind kind, double decay) {
  OptimiserSettings settings;
  settings.kind = kind;
  settings.weight_decay = decay;
  return settings;
}

std::vector<Case> cases() {
  OptimiserSettings adamw = with_decay(OptimiserKind::adamw, 0.1);
  adamw.beta1 = 0.8;
  adamw.beta2 = 0.95;
  OptimiserSettings descent = with_decay(OptimiserKind::sgd, 0);
  descent.momentum = 0;
  return {{"adamw", {}},
          {"adamw_decay", adamw},
          {"sgd", descent},
          {"sgd_momentum", with_decay(OptimiserKind::sgd, 0.1)},
          {"adafactor", with_decay(OptimiserKind::adafactor, 0)},
          {"adafactor_decay", with_decay(OptimiserKind::adafactor, 0.1)}};
}

void expect_reference(const golden::Golden& golden, const Case& c, bool clipped,
                      const Context& context) {
  std::vector<Trainable> trainables = start_of(golden);
  const auto optimiser = make_optimiser(c.settings, trainables);
  const auto kept = golden.facts()["kept"].get<std::vector<std::size_t>>();
  for (std::size_t step = 0; step < golden.facts()["steps"].get<std::size_t>(); ++step) {
    set_gradients(golden, trainables, step);
    const double scale = clipped ? clip_scale(gradient_norm(context, trainables), 1.0) : 1.0;
    optimiser->step(context, trainables, 1e-2, scale);
    if (std::find(kept.begin(), kept.end(), step + 1) == kept.end()) continue;
    for (const Trainable& trainable : trainables) {
      const auto want = golden.numbers(c.golden + (clipped ? ".clipped." : ".") +
                                       std::to_string(step + 1) + "." + trainable.name);
      const float* const got = trainable.value.data<float>();
      // Weights near 1 are rounded by 6e-8 in each step on either side, as a random walk: some
      // 1e-6 in 100 steps.
      for (std::size_t i = 0; i < want.size(); ++i)
        EXPECT_NEAR(got[i], want[i], 1e-6) << c.golden << " " << step << " " << trainable.name;
    }
  }
}

TEST(Optimiser, HundredStepsAreTheReferences) {
  const golden::Golden golden("optimisers");
  for (int level = 0; level <= static_cast<int>(simd::highest_level()); ++level) {
    const test::Engine engine(1, static_cast<simd::Level>(level));
    for (const Case& c : cases()) {
      expect_reference(golden, c, false, engine.context);
      expect_reference(golden, c, true, engine.context);
    }
  }
}

/// Tensors of more than one piece and of odd sizes, with noise as gradients.
std::vector<Trainable> noise(unsigned seed) {
  std::mt19937_64 bits(seed);
  std::normal_distribution<float> draw(0, 1);
  std::vector<Trainable> trainables;
  for (const Shape& shape : {Shape{300, 129}, Shape{7}, Shape{1, 1}, Shape{2, 70, 33}}) {
    Trainable trainable{std::string("t").append(std::to_string(trainables.size())),
                        Tensor::zeros(shape), Tensor::zeros(shape)};
    trainable.decay = shape.rank() > 1;
    trainable.rate_factor = shape.rank() > 2 ? 0.5 : 1;
    for (const Tensor& tensor : {trainable.value, trainable.gradient})
      std::generate_n(tensor.data<float>(), tensor.elements(), [&] { return draw(bits); });
    trainables.push_back(trainable);
  }
  return trainables;
}

std::vector<OptimiserSettings> kinds() {
  std::vector<OptimiserSettings> all;
  for (const Case& c : cases()) all.push_back(c.settings);
  all.push_back(with_decay(OptimiserKind::adamw_8bit, 0.1));
  return all;
}

std::vector<float> weights_of(std::span<const Trainable> trainables) {
  std::vector<float> all;
  for (const Trainable& t : trainables)
    all.insert(all.end(), t.value.data<float>(), t.value.data<float>() + t.value.elements());
  return all;
}

void steps(Optimiser& optimiser, std::vector<Trainable>& trainables, int from, int to,
           const Context& context) {
  for (int step = from; step < to; ++step) {
    const std::vector<Trainable> drawn = noise(static_cast<unsigned>(step));
    for (std::size_t i = 0; i < trainables.size(); ++i) trainables[i].gradient = drawn[i].gradient;
    optimiser.step(context, trainables, 1e-2,
                   clip_scale(gradient_norm(context, trainables), 100.0));
  }
}

TEST(Optimiser, ThreadsDoNotChangeABit) {
  for (const OptimiserSettings& settings : kinds()) {
    std::vector<std::vector<float>> results;
    for (const int threads : {1, 2, 5}) {
      const test::Engine engine(threads);
      std::vector<Trainable> trainables = noise(99);
      const auto optimiser = make_optimiser(settings, trainables);
      steps(*optimiser, trainables, 0, 4, engine.context);
      results.push_back(weights_of(trainables));
    }
    EXPECT_EQ(results[0], results[1]) << name_of(settings.kind);
    EXPECT_EQ(results[0], results[2]) << name_of(settings.kind);
  }
}

TEST(Optimiser, StateWrittenBackGivesTheSameBits) {
  const test::Engine engine;
  for (const OptimiserSettings& settings : kinds()) {
    std::vector<Trainable> whole = noise(99), first = noise(99);
    const auto uninterrupted = make_optimiser(settings, whole);
    steps(*uninterrupted, whole, 0, 7, engine.context);
    const auto before = make_optimiser(settings, first);
    steps(*before, first, 0, 4, engine.context);
    const auto after = make_optimiser(settings, first);
    const auto saved = before->state(), loaded = after->state();
    ASSERT_EQ(saved.size(), loaded.size());
    for (std::size_t i = 0; i < saved.size(); ++i) {
      EXPECT_EQ(saved[i].name, loaded[i].name);
      std::copy_n(saved[i].value.raw(), saved[i].value.bytes(), loaded[i].value.raw());
    }
    steps(*after, first, 4, 7, engine.context);
    EXPECT_EQ(weights_of(first), weights_of(whole)) << name_of(settings.kind);
  }
}

TEST(Optimiser, PlannedBytesAreThoseOfTheState) {
  for (const OptimiserSettings& settings : kinds()) {
    const std::vector<Trainable> trainables = noise(1);
    std::int64_t planned = 4, held = 0;
    for (const Trainable& t : trainables)
      planned += state_bytes(settings, t.value.shape(), t.exact_state);
    for (const StateTensor& s : make_optimiser(settings, trainables)->state())
      held += s.value.bytes();
    EXPECT_EQ(planned, held) << name_of(settings.kind);
  }
}

TEST(Optimiser, DecayAndRateOfATensorAreItsOwn) {
  const test::Engine engine;
  OptimiserSettings settings;
  settings.weight_decay = 0.5;
  std::vector<Trainable> trainables = noise(3);
  for (Trainable& t : trainables) {
    std::fill_n(t.value.data<float>(), t.value.elements(), 1.0f);
    std::fill_n(t.gradient.data<float>(), t.gradient.elements(), 0.0f);
  }
  make_optimiser(settings, trainables)->step(engine.context, trainables, 0.25);
  EXPECT_EQ(trainables[0].value.data<float>()[0], 0.875f);
  EXPECT_EQ(trainables[1].value.data<float>()[0], 1.0f);
  EXPECT_EQ(trainables[3].value.data<float>()[0], 0.9375f);
}

TEST(Optimiser, ClipsAsTheReference) {
  EXPECT_EQ(clip_scale(0.5, 1), 1);
  EXPECT_DOUBLE_EQ(clip_scale(3, 1), 1 / 3.000001);
  EXPECT_TRUE(std::isnan(clip_scale(std::nan(""), 1)));
  EXPECT_TRUE(std::isnan(clip_scale(INFINITY, 1)));
  const golden::Golden golden("optimisers");
  const test::Engine engine;
  std::vector<Trainable> trainables = start_of(golden);
  const auto norms = golden.numbers("norms");
  for (std::size_t step = 0; step < norms.size(); ++step) {
    set_gradients(golden, trainables, step);
    // Sums of up to 35 squares in f32 on either side.
    EXPECT_NEAR(gradient_norm(engine.context, trainables), norms[step], 3e-6 * norms[step]);
  }
}

TEST(Optimiser, RefusesWhatItCannotDo) {
  EXPECT_EQ(test::refused([] { parse_optimiser("adam"); }),
            "bad_argument: optimiser \"adam\" is unknown; did you mean \"adamw\"?");
  OptimiserSettings settings;
  settings.beta1 = 1;
  const std::vector<Trainable> made_for = noise(1);
  EXPECT_EQ(test::refused([&] { make_optimiser(settings, made_for); }),
            "bad_argument: optimiser: beta1 1 is not within 0 and below 1");
  const test::Engine engine;
  const auto optimiser = make_optimiser({}, made_for);
  std::vector<Trainable> other = made_for;
  other[1].gradient = {};
  EXPECT_EQ(test::refused([&] { optimiser->step(engine.context, other, 1); }),
            "bad_argument: optimiser: t1 has no gradient");
  other[1] = {"t1", Tensor::zeros({8}), Tensor::zeros({8})};
  EXPECT_EQ(test::refused([&] { optimiser->step(engine.context, other, 1); }),
            "bad_argument: optimiser: tensor 1 was t1 (7), now is t1 (8)");
  other.pop_back();
  EXPECT_EQ(test::refused([&] { optimiser->step(engine.context, other, 1); }),
            "bad_argument: optimiser: made for 4 tensors, given 3");
}

}  // namespace
}  // namespace pomona::train
