// A run made ready: its model opened and made trainable, its data read, its threads and memory.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/progress.h"
#include "hub/model_store.h"
#include "model/model.h"
#include "tensor/context.h"
#include "train/examples.h"
#include "train/language_modelling.h"
#include "train/method.h"
#include "train/run_file.h"
#include "train/trainer.h"

namespace pomona::train {

/// Rows of one task, read. Its sets in the objective have the numbers `train` and `valid`.
struct Task {
  std::string name;
  Examples train, valid;
  std::int32_t train_set = 0;
  std::int32_t valid_set = -1;  // none
};

class Setup {
 public:
  /// Reads and checks everything, and trains nothing. `stop` must outlive it. Throws what finding
  /// and loading the model, reading the data and making it trainable throw.
  Setup(const RunFile& run, const StopToken& stop);

  const RunFile run;
  const hub::ResolvedModel resolved;
  model::Model model;
  std::vector<Task> tasks;
  Examples general;  // pieces of the text that forgetting is measured on
  std::int32_t general_set = 0;

 private:
  ThreadPool pool_;
  Arena arena_;

 public:
  Context context;
  std::vector<TrainedParameter> parameters;
  std::unique_ptr<LanguageModelling> objective;
  std::unique_ptr<Trainer> trainer;
  std::int64_t steps_an_epoch = 0;

  std::int64_t trainable_parameters() const { return count_parameters(parameters); }
  /// Those of the whole model, what the method adds included.
  std::int64_t total_parameters() const;
  /// What a state must agree with to be gone on from: settings, and hashes of data and model.
  Json identity() const;

 private:
  std::int64_t weights_ = 0;  // numbers in the model before anything was added
  std::string data_hash_;
};

}  // namespace pomona::train
