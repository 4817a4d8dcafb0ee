#include "train/setup.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/thread_pool.h"
#include "text/tokenizer.h"
#include "train/general_text.h"

namespace pomona::train {
namespace {

/// How much of a general text is read, in pieces of how many tokens.
constexpr std::size_t kGeneralPieces = 32;
constexpr std::size_t kGeneralTokens = 256;

DataOptions options_of(const RunFile& run, const RunFile::DataSet& set) {
  DataOptions options;
  options.format = row_format_named(set.format);
  options.loss = loss_named(run.data.loss);
  options.overlong = overlong_named(run.data.overlong);
  options.max_length = run.data.max_length.value_or(0);
  for (const auto& [role, column] : set.columns) options.columns[role] = column;
  options.instruction = set.instruction;
  return options;
}

/// The first pieces of a text, all tokens but each piece's first as targets.
Examples general_pieces(const model::Model& model, std::string_view text, const std::string& name) {
  const std::vector<std::int32_t> tokens = model.tokenizer->encode(text);
  const auto limit = static_cast<std::size_t>(model.lm->shape().context);
  const std::size_t length = std::min(kGeneralTokens, limit);
  std::vector<Example> pieces;
  for (std::size_t at = 0; at + 1 < tokens.size() && pieces.size() < kGeneralPieces; at += length) {
    Example& piece = pieces.emplace_back();
    const std::size_t end = std::min(tokens.size(), at + length);
    piece.tokens.assign(tokens.begin() + static_cast<std::ptrdiff_t>(at),
                        tokens.begin() + static_cast<std::ptrdiff_t>(end));
    piece.supervised.assign(piece.tokens.size(), 1);
    piece.supervised.front() = 0;
    piece.row = pieces.size();
  }
  if (pieces.empty()) fail(ErrorKind::bad_file, "forgetting: {} has no text of two tokens", name);
  return examples_of(pieces, name);
}

std::int64_t steps_of(const RunFile& run, std::int64_t epoch_rows) {
  const auto& train = run.train;
  if (!train.epochs) return *train.steps;
  const auto rows =
      static_cast<std::int64_t>(std::ceil(*train.epochs * static_cast<double>(epoch_rows)));
  const std::int64_t steps =
      std::max<std::int64_t>(1, (rows + run.rows_a_step() - 1) / run.rows_a_step());
  return train.steps ? std::min(steps, *train.steps) : steps;
}

OptimiserSettings optimiser_of(const RunFile& run) {
  OptimiserSettings settings;
  settings.kind = parse_optimiser(run.optimiser.name);
  settings.weight_decay = run.optimiser.weight_decay;
  settings.beta1 = run.optimiser.beta1;
  settings.beta2 = run.optimiser.beta2;
  settings.epsilon = run.optimiser.epsilon;
  settings.momentum = run.optimiser.momentum;
  return settings;
}

}  // namespace

Setup::Setup(const RunFile& run_file, const StopToken& stop)
    : run(run_file),
      resolved(hub::ModelStore().resolve(run.model.base)),
      model(model::load_model(hub::path_without_adapter(resolved, "tune"),
                              run.model.context.value_or(0))),
      pool_(run.train.threads > 0 ? static_cast<int>(run.train.threads) : available_threads()),
      arena_(physical_memory_bytes()),
      context{pool_, arena_, kernel::table()} {
  // Processors without products of bf16 compute them in f32, which is then faster and more exact.
  const bool automatic = run.train.precision == "auto";
  const bool bf16 =
      automatic ? context.kernels.level == simd::Level::avx512 : run.train.precision == "bf16";
  context.compute = bf16 ? Compute::bf16 : Compute::f32;
  context.recompute = run.train.checkpoint_activations;
  context.stop = &stop;
  model.lm->each_parameter(
      [&](const std::string&, Parameter& one) { weights_ += one.value.elements(); });

  // Before rows are read: virtual tokens leave them less of the model's context.
  parameters = make_trainable(model, run.method, run.train.seed, context);

  Sha256 hash;
  const auto read = [&](const RunFile::DataSet& set, const fs::path& path, std::string_view split) {
    const fs::path file = split_file(path, split);
    hash.update(sha256_file(file));
    return read_examples({file}, options_of(run, set), model);
  };
  std::vector<LanguageModelling::Set> sets;
  const auto add = [&](const std::string& name, const Examples& examples) {
    sets.push_back({name, &examples});
    return static_cast<std::int32_t>(sets.size()) - 1;
  };
  tasks.reserve(run.data.sets.size());
  for (const RunFile::DataSet& set : run.data.sets) {
    Task& task = tasks.emplace_back();
    task.name = set.name;
    task.train = read(set, set.train, "train");
    task.train_set = add(set.name, task.train);
  }
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    if (run.data.sets[i].valid.empty()) continue;
    tasks[i].valid = read(run.data.sets[i], run.data.sets[i].valid, "valid");
    tasks[i].valid_set = add(tasks[i].name, tasks[i].valid);
  }
  const fs::path& named = run.data.forgetting;
  const std::string text = named.empty() ? std::string(general_text()) : read_file(named);
  general = general_pieces(model, text, named.empty() ? "the general text" : named.string());
  general_set = add("general text", general);
  data_hash_ = hash.update(text).hex();

  objective = std::make_unique<LanguageModelling>(*model.lm, std::move(sets));
  std::vector<Trainable> trainables;
  for (const TrainedParameter& one : parameters) {
    trainables.push_back({.name = one.name,
                          .value = one.parameter->value,
                          .gradient = {},
                          .decay = one.decay,
                          .exact_state = one.is_embedding});
  }
  std::vector<SampledSet> sampled;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    SampledSet& one = sampled.emplace_back();
    one.rows = static_cast<std::int64_t>(tasks[i].train.size());
    one.weight = run.data.sets[i].weight;
    if (run.data.sets[i].cap) one.cap = *run.data.sets[i].cap;
  }
  Sampler sampler(std::move(sampled), run.data.temperature, run.train.seed);
  steps_an_epoch = (sampler.epoch_rows() + run.rows_a_step() - 1) / run.rows_a_step();
  const TrainerSettings settings{.steps = steps_of(run, sampler.epoch_rows()),
                                 .batch_rows = run.rows_a_step(),
                                 .pack_tokens = run.train.pack_tokens,
                                 .learning_rate = run.optimiser.learning_rate,
                                 .clip = run.optimiser.clip,
                                 .seed = run.train.seed};
  const ScheduleSettings schedule{.kind = parse_schedule(run.schedule.kind),
                                  .warmup = run.schedule.warmup,
                                  .decay = run.schedule.decay,
                                  .least = run.schedule.minimum};
  trainer = std::make_unique<Trainer>(*objective, std::move(sampler), std::move(trainables),
                                      optimiser_of(run), schedule, settings);
}

std::int64_t Setup::total_parameters() const {
  const bool within = run.method.kind == "full" || run.method.kind == "freeze";
  return weights_ + (within ? 0 : trainable_parameters());
}

Json Setup::identity() const {
  return {{"settings", settings_of(run)},
          {"data", data_hash_},
          {"model_parameters", weights_},
          {"trained_parameters", trainable_parameters()}};
}

}  // namespace pomona::train
