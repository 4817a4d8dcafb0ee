#include "train/plan.h"

#include <algorithm>
#include <numeric>

#include "base/clock.h"
#include "base/peak_memory.h"
#include "train/passes.h"

namespace pomona::train {
namespace {

std::uint64_t unsigned_of(std::int64_t bytes) { return static_cast<std::uint64_t>(bytes); }

/// A pass and how much of it there is.
struct Largest {
  std::vector<RowId> rows;
  std::int64_t size = -1;

  void look_at(const std::vector<RowId>& pass, std::int64_t pass_size) {
    if (pass_size <= size) return;
    rows = pass;
    size = pass_size;
  }
};

/// The passes that may need the most memory, by their tokens and by their terms, and what all
/// passes come to.
struct Survey {
  Largest tokens, terms;
  std::int64_t all_tokens = 0;
};

Survey survey(const Setup& setup) {
  Survey survey;
  const Trainer& trainer = *setup.trainer;
  Sampler sampler = trainer.sampler();
  for (std::int64_t step = trainer.steps_done(); step < trainer.settings().steps; ++step) {
    std::vector<RowId> rows;
    for (std::int64_t i = 0; i < trainer.settings().batch_rows; ++i) rows.push_back(sampler.next());
    for (const auto& pass : pack_rows(*setup.objective, rows, trainer.settings().pack_tokens)) {
      RowSize sum;
      for (const RowId& row : pass) {
        const RowSize size = setup.objective->size(row);
        sum.tokens += size.tokens;
        sum.terms += size.terms;
      }
      survey.tokens.look_at(pass, sum.tokens);
      survey.terms.look_at(pass, sum.terms);
      survey.all_tokens += sum.tokens;
    }
  }
  return survey;
}

/// The most memory that a pass has at once beside weights and gradients of parameters.
std::uint64_t peak_of(const Setup& setup, const std::vector<RowId>& pass) {
  Arena arena = Arena::planning();
  Plan plan;
  Noise noise;
  Context context{setup.context.pool, arena, setup.context.kernels};
  context.compute = setup.context.compute;
  context.recompute = setup.context.recompute;
  context.noise = &noise;
  context.plan = &plan;
  setup.objective->accumulate(context, pass, 1);
  return arena.peak();
}

}  // namespace

std::int64_t evaluated_tokens(const Setup& setup) {
  std::int64_t tokens = 0;
  for (const Task& task : setup.tasks) {
    if (task.valid_set < 0) continue;
    for (std::size_t i = 0; i < task.valid.size(); ++i) tokens += task.valid.length(i);
  }
  for (std::size_t i = 0; i < setup.general.size(); ++i) tokens += setup.general.length(i);
  return tokens;
}

Json TunePlan::to_json() const {
  return {{"steps", steps},
          {"tokens", tokens},
          {"evaluations", evaluations},
          {"parameters", parameters},
          {"gradients", gradients},
          {"optimiser", optimiser},
          {"activations", activations},
          {"weights", weights},
          {"predicted_peak_bytes", peak},
          {"predicted_seconds", seconds > 0 ? Json(seconds) : Json()}};
}

bool evaluates_after(const Setup& setup, std::int64_t step) {
  const std::int64_t every =
      setup.run.train.evaluate_every > 0 ? setup.run.train.evaluate_every : setup.steps_an_epoch;
  return step == setup.trainer->settings().steps || step % every == 0;
}

TunePlan plan_bytes(const Setup& setup) {
  TunePlan plan;
  const Survey found = survey(setup);
  plan.steps = setup.trainer->settings().steps - setup.trainer->steps_done();
  plan.tokens = found.all_tokens;
  for (std::int64_t step = 1; step <= setup.trainer->settings().steps; ++step)
    plan.evaluations += evaluates_after(setup, step) ? 1 : 0;
  OptimiserSettings optimiser;
  optimiser.kind = parse_optimiser(setup.run.optimiser.name);
  optimiser.momentum = setup.run.optimiser.momentum;
  for (const Trainable& one : setup.trainer->trainables()) {
    plan.parameters += unsigned_of(one.value.bytes());
    plan.gradients += unsigned_of(one.gradient.bytes());
    plan.optimiser += unsigned_of(state_bytes(optimiser, one.value.shape(), one.exact_state));
  }
  for (const Largest* one : {&found.tokens, &found.terms}) {
    if (one->size >= 0) plan.activations = std::max(plan.activations, peak_of(setup, one->rows));
  }
  const kernel::PanelKind kind = gradient_kind(setup.context.compute);
  setup.model.lm->each_parameter([&](const std::string&, Parameter& one) {
    if (one.value.needs_gradient()) return;
    plan.weights += unsigned_of(one.value.bytes());
    if (one.value.shape().rank() == 2)
      plan.weights +=
          unsigned_of(kernel::PanelLayout{kind, one.value.size(0), one.value.size(1)}.bytes());
  });
  // Parameters, gradients and the optimiser's state are there already, touched or not.
  const std::uint64_t now = resident_bytes();
  plan.peak = now + plan.gradients + plan.optimiser + plan.activations + plan.weights;
  return plan;
}

TunePlan plan_time(Setup& setup) {
  TunePlan plan = plan_bytes(setup);
  std::vector<double> per_token;
  const double begun = steady_seconds();
  constexpr double kBudget = 20;  // seconds
  for (int i = 0; i < 3 && !setup.trainer->finished(); ++i) {
    const StepReport report = setup.trainer->step(setup.context);
    // The first step also packs weights, unless it is all that can be afforded.
    const bool last = steady_seconds() - begun > kBudget;
    if (i > 0 || last || setup.trainer->finished())
      per_token.push_back(report.seconds / static_cast<double>(report.tokens));
    if (last) break;
  }
  plan.seconds =
      predicted_seconds(setup, plan, *std::min_element(per_token.begin(), per_token.end()));
  return plan;
}

double predicted_seconds(const Setup& setup, const TunePlan& plan, double seconds_per_token) {
  // Reading alone takes a third of learning; there is an evaluation before the first step as well.
  const double read =
      static_cast<double>(evaluated_tokens(setup)) * static_cast<double>(plan.evaluations + 1) / 3;
  return seconds_per_token * (static_cast<double>(plan.tokens) + read);
}

}  // namespace pomona::train
