// The loop of gradient steps. It knows neither the model nor the loss (objective.h): it draws rows,
// packs them into passes, adds up gradients over all terms of a step, clips, and lets the optimiser
// follow. What it does is a function of its settings and the number of the step: there is nothing
// to save but parameters and the optimiser's state.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "train/objective.h"
#include "train/optimiser.h"
#include "train/sampler.h"
#include "train/schedule.h"

namespace pomona::train {

struct TrainerSettings {
  std::int64_t steps = 1;
  std::int64_t batch_rows = 8;      // of one step, gradient accumulation included
  std::int64_t pack_tokens = 1024;  // of one forward pass; a longer row has its own
  double learning_rate = 1e-4;
  double clip = 1;  // largest norm of all gradients together; 0: none
  std::uint64_t seed = 42;
};

/// What a step did. The loss is the mean over the step's terms, before its update.
struct StepReport {
  std::int64_t step = 0;  // from 1
  double loss = 0;
  double learning_rate = 0;
  double gradient_norm = 0;  // before clipping
  std::int64_t tokens = 0, terms = 0, rows = 0, passes = 0;
  double seconds = 0;
};

class Trainer {
 public:
  /// The objective must outlive it. `trainables` without gradients get them. Throws as the parts.
  Trainer(Objective& objective, Sampler sampler, std::vector<Trainable> trainables,
          const OptimiserSettings& optimiser, const ScheduleSettings& schedule,
          const TrainerSettings& settings);

  const TrainerSettings& settings() const { return settings_; }
  std::int64_t steps_done() const { return done_; }
  bool finished() const { return done_ >= settings_.steps; }
  const Sampler& sampler() const { return sampler_; }

  /// The next step. If a loss or gradient is not a number, nothing is updated: throws bad_argument
  /// naming the rows. If the context's stop token asks to, throws cancelled, nothing updated.
  StepReport step(const Context& context);

  /// The rows of step `step` (from 1), packed.
  std::vector<std::vector<RowId>> passes_of_next() const;

  /// Parameters, then the optimiser's state; writing to it and resume_at(step) is loading.
  std::vector<StateTensor> state();
  void resume_at(std::int64_t step);

  const std::vector<Trainable>& trainables() const { return trainables_; }

 private:
  std::vector<RowId> draw();
  [[noreturn]] void refuse(const Context& context, std::span<const RowId> rows) const;

  Objective& objective_;
  Sampler sampler_;
  std::vector<Trainable> trainables_;
  std::unique_ptr<Optimiser> optimiser_;
  Schedule schedule_;
  TrainerSettings settings_;
  std::int64_t done_ = 0;
};

/// The mean loss of rows of a set in passes of at most `tokens` tokens, and over how many terms.
LossSum evaluate_rows(const Objective& objective, const Context& context,
                      std::span<const RowId> rows, std::int64_t tokens);

}  // namespace pomona::train
