#include "train/tune.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/file_lock.h"
#include "base/peak_memory.h"
#include "train/curves.h"
#include "train/metrics.h"
#include "train/output.h"
#include "train/plan.h"
#include "train/setup.h"
#include "train/state_file.h"

namespace pomona::train {
namespace {

constexpr std::string_view kStateFile = "state.safetensors";
constexpr std::string_view kBestFile = "best.safetensors";
constexpr std::string_view kMetricsFile = "metrics.jsonl";
constexpr std::string_view kCurvesFile = "curves.html";
constexpr std::string_view kRunFile = "run.json";
constexpr std::string_view kLockFile = "lock";

/// What a run knows beside tensors, and goes on with: the extras of its state.
struct Journal {
  Json identity;
  std::uint64_t records = 0;        // of metrics.jsonl
  std::int64_t tokens = 0;          // learnt from so far
  double train_loss = 0;            // of the last step
  double train_seconds = 0;         // in steps, over all parts of the run
  std::vector<double> rates;        // tokens per second of each step, of this part
  std::optional<double> eval_loss;  // the last one
  std::optional<double> general_before, general_now;
  std::optional<double> best_loss;
  std::int64_t best_step = 0;
  std::int64_t without_gain = 0;  // evaluations since the best
  std::int64_t evaluated = -1;    // the last step that was evaluated
  bool ended = false;

  Json to_json() const {
    const auto value = [](const std::optional<double>& number) {
      return number ? Json(*number) : Json();
    };
    return {{"identity", identity},
            {"records", records},
            {"tokens", tokens},
            {"train_loss", train_loss},
            {"train_seconds", train_seconds},
            {"eval_loss", value(eval_loss)},
            {"general_before", value(general_before)},
            {"general_now", value(general_now)},
            {"best_loss", value(best_loss)},
            {"best_step", best_step},
            {"without_gain", without_gain},
            {"evaluated", evaluated},
            {"ended", ended}};
  }
  static Journal from_json(const Json& json) {
    const auto value = [&](const char* key) {
      return json.at(key).is_null() ? std::nullopt : std::optional(json.at(key).get<double>());
    };
    Journal journal;
    journal.identity = json.at("identity");
    journal.records = json.at("records").get<std::uint64_t>();
    journal.tokens = json.at("tokens").get<std::int64_t>();
    journal.train_loss = json.at("train_loss").get<double>();
    journal.train_seconds = json.at("train_seconds").get<double>();
    journal.eval_loss = value("eval_loss");
    journal.general_before = value("general_before");
    journal.general_now = value("general_now");
    journal.best_loss = value("best_loss");
    journal.best_step = json.at("best_step").get<std::int64_t>();
    journal.without_gain = json.at("without_gain").get<std::int64_t>();
    journal.evaluated = json.at("evaluated").get<std::int64_t>();
    journal.ended = json.at("ended").get<bool>();
    return journal;
  }
};

/// The settings that differ, as "KEY is A, was B".
std::string differences(const Json& now, const Json& before) {
  std::string list;
  for (const auto& [key, value] : now.items()) {
    if (!before.contains(key)) continue;
    if (value.is_object() && before[key].is_object()) {
      const std::string inner = differences(value, before[key]);
      if (!inner.empty()) list.append(list.empty() ? "" : "; ").append(inner);
    } else if (value != before[key]) {
      list.append(list.empty() ? "" : "; ").append(key);
      list.append(" is ").append(value.dump()).append(", was ").append(before[key].dump());
    }
  }
  return list;
}

class TuneRun {
 public:
  TuneRun(const RunFile& run, bool resume, ProgressSink& progress, const StopToken& stop)
      : folder_(run.output), progress_(progress), stop_(stop), begun_(steady_seconds()) {
    make_folder(folder_);
    lock_ = FileLock::try_take(folder_ / kLockFile);
    if (!lock_)
      fail(ErrorKind::bad_argument, "tune: another process trains into {}", folder_.string());
    for (const std::string_view file : {kStateFile, kBestFile}) remove_leftovers(folder_ / file);
    look_for_state(resume);
    setup_.emplace(run, stop);
    journal_.identity = setup_->identity();
    if (resumed_) take_state();
    plan_ = plan_bytes(*setup_);
    log_.emplace(folder_ / kMetricsFile, journal_.records);
  }

  Json go() {
    Trainer& trainer = *setup_->trainer;
    const std::int64_t steps = trainer.settings().steps;
    progress_.begin("training", static_cast<std::uint64_t>(steps), "steps");
    try {
      evaluate_if_due();
      while (!trainer.finished() && !ended_early()) {
        take_step();
        evaluate_if_due();
        const std::int64_t every = setup_->run.train.checkpoint_every;
        if (every > 0 && trainer.steps_done() % every == 0 && !trainer.finished()) save();
      }
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::cancelled) throw;
      save();
      progress_.end("interrupted after step " + std::to_string(trainer.steps_done()) + " of " +
                    std::to_string(steps));
      fail(ErrorKind::cancelled,
           "tune: interrupted after step {} of {}; --resume goes on from there to the same bits",
           trainer.steps_done(), steps);
    }
    journal_.ended = true;
    const std::string hash = save();
    progress_.end("trained " + std::to_string(trainer.steps_done()) + " steps");
    return finish(hash);
  }

 private:
  void look_for_state(bool resume) {
    if (!fs::exists(folder_ / kStateFile)) return;
    const TrainingState notes = read_state_notes(folder_ / kStateFile);
    const bool ended = notes.extras.value("ended", false);
    if (!resume && !ended)
      fail(ErrorKind::bad_argument,
           "tune: {} holds a run that stopped after step {}; --resume goes on with it; to begin "
           "anew, name another [output] dir or remove this one",
           folder_.string(), notes.step);
    resumed_ = resume;
  }

  TrainingState state() {
    TrainingState state;
    state.step = setup_->trainer->steps_done();
    for (StateTensor& part : setup_->trainer->state()) {
      const bool parameter = part.name.starts_with("parameter.");
      part.name.erase(0, part.name.find('.') + 1);
      (parameter ? state.parameters : state.optimiser).push_back(std::move(part));
    }
    return state;
  }

  void take_state() {
    TrainingState loaded = state();
    const Json notes = read_state_notes(folder_ / kStateFile).extras;
    if (!notes.contains("identity"))
      fail(ErrorKind::bad_file, "tune: {} was not written by tune",
           (folder_ / kStateFile).string());
    if (const std::string list = differences(journal_.identity, notes.at("identity"));
        !list.empty()) {
      fail(ErrorKind::bad_argument,
           "tune: the state in {} is of another run: {}; --resume needs the same settings and data",
           folder_.string(), list);
    }
    read_state(folder_ / kStateFile, loaded);
    journal_ = Journal::from_json(loaded.extras);
    setup_->trainer->resume_at(loaded.step);
  }

  std::string save() {
    if (log_) journal_.records = log_->sync();
    TrainingState now = state();
    now.extras = journal_.to_json();
    return write_state(folder_ / kStateFile, now);
  }

  bool ended_early() const {
    const std::int64_t patience = setup_->run.train.patience;
    return patience > 0 && journal_.without_gain >= patience;
  }

  void take_step() {
    Trainer& trainer = *setup_->trainer;
    const StepReport report = trainer.step(setup_->context);
    journal_.tokens += report.tokens;
    journal_.train_loss = report.loss;
    journal_.train_seconds += report.seconds;
    const double rate = static_cast<double>(report.tokens) / report.seconds;
    journal_.rates.push_back(rate);
    // The first step also packs weights.
    if (journal_.rates.size() <= 2) predicted_ = predicted_seconds(*setup_, plan_, 1 / rate);
    log_->add(StepMetrics{
        .step = report.step,
        .epoch = static_cast<double>(report.step) / static_cast<double>(setup_->steps_an_epoch),
        .loss = report.loss,
        .learning_rate = report.learning_rate,
        .gradient_norm = report.gradient_norm,
        .tokens = report.tokens,
        .supervised = report.terms,
        .seconds = report.seconds});
    progress_.update(static_cast<std::uint64_t>(report.step),
                     fmt::format("loss {:.3f}, {:.0f} tokens/s", report.loss, rate));
  }

  LossSum loss_of(const Examples& examples, std::int32_t set) const {
    std::vector<RowId> rows;
    for (std::size_t i = 0; i < examples.size(); ++i)
      rows.push_back({set, static_cast<std::int64_t>(i)});
    return evaluate_rows(*setup_->objective, setup_->context, rows, setup_->run.train.pack_tokens);
  }

  void evaluate_if_due() {
    const std::int64_t step = setup_->trainer->steps_done();
    if (journal_.evaluated == step || (step > 0 && !evaluates_after(*setup_, step))) return;
    evaluate_at(step);
    journal_.evaluated = step;
  }

  /// Evaluates what there is to evaluate, and keeps the parameters if they are the best so far.
  void evaluate_at(std::int64_t step) {
    const double begun = steady_seconds();
    EvaluationMetrics metrics;
    metrics.step = step;
    LossSum all;
    for (const Task& task : setup_->tasks) {
      if (task.valid_set < 0) continue;
      const LossSum sum = loss_of(task.valid, task.valid_set);
      metrics.sets.emplace_back(task.name, sum.mean());
      all += sum;
    }
    journal_.general_now = loss_of(setup_->general, setup_->general_set).mean();
    if (!journal_.general_before) journal_.general_before = journal_.general_now;
    metrics.general = journal_.general_now;
    metrics.forgetting = *journal_.general_now - *journal_.general_before;
    metrics.loss = all.mean();
    metrics.seconds = steady_seconds() - begun;
    if (all.terms > 0) {
      journal_.eval_loss = metrics.loss;
      metrics.best = step > 0 && (!journal_.best_loss || metrics.loss < *journal_.best_loss);
      if (metrics.best) {
        journal_.best_loss = metrics.loss;
        journal_.best_step = step;
        journal_.without_gain = 0;
        if (setup_->run.train.keep == "best") {
          TrainingState best = state();
          best.optimiser.clear();
          write_state(folder_ / kBestFile, best);
        }
      } else if (step > 0) {
        ++journal_.without_gain;
      }
    }
    log_->add(metrics);
  }

  Json finish(const std::string& hash) {
    Setup& setup = *setup_;
    const std::int64_t last = setup.trainer->steps_done();
    if (setup.run.train.keep == "best" && journal_.best_loss && journal_.best_step != last) {
      TrainingState best = state();
      best.optimiser.clear();
      read_state(folder_ / kBestFile, best);
      journal_.general_now = loss_of(setup.general, setup.general_set).mean();
    }
    const fs::path output = write_output(setup, folder_, progress_, stop_);
    std::optional<double> median;
    if (!journal_.rates.empty()) {
      const auto middle =
          journal_.rates.begin() + static_cast<std::ptrdiff_t>(journal_.rates.size() / 2);
      std::nth_element(journal_.rates.begin(), middle, journal_.rates.end());
      median = *middle;
    }
    const auto value = [](const std::optional<double>& number) {
      return number ? Json(*number) : Json();
    };
    std::optional<double> forgetting;
    if (journal_.general_before) forgetting = *journal_.general_now - *journal_.general_before;
    const std::optional<double> eval_loss =
        setup.run.train.keep == "best" ? journal_.best_loss : journal_.eval_loss;
    const Json result = {{"steps", last},
                         {"tokens", journal_.tokens},
                         {"tokens_per_second", value(median)},
                         {"train_loss", journal_.train_loss},
                         {"eval_loss", value(eval_loss)},
                         {"forgetting", value(forgetting)},
                         {"best_step", journal_.best_loss ? Json(journal_.best_step) : Json()},
                         {"trainable_parameters", setup.trainable_parameters()},
                         {"total_parameters", setup.total_parameters()},
                         {"peak_bytes", peak_resident_bytes()},
                         {"predicted_peak_bytes", plan_.peak},
                         {"predicted_seconds", value(predicted_)},
                         {"train_seconds", journal_.train_seconds},
                         {"seconds", steady_seconds() - begun_},
                         {"output", output.string()},
                         {"state_sha256", hash}};
    const Json about = {{"settings", settings_of(setup.run)}, {"result", result}};
    write_file(folder_ / kRunFile, about.dump(2) + "\n");
    write_curves(folder_ / kCurvesFile, folder_ / kMetricsFile, about);
    return result;
  }

  const fs::path folder_;
  ProgressSink& progress_;
  const StopToken& stop_;
  const double begun_;
  std::optional<FileLock> lock_;
  bool resumed_ = false;
  std::optional<Setup> setup_;
  Journal journal_;
  TunePlan plan_;
  std::optional<double> predicted_;  // of this part of the run, once steps were measured
  std::optional<MetricsLog> log_;
};

}  // namespace

Json tune(const RunFile& run, bool resume, ProgressSink& progress, const StopToken& stop) {
  return TuneRun(run, resume, progress, stop).go();
}

Json plan_tune(const RunFile& run, ProgressSink& progress, const StopToken& stop) {
  progress.begin("measuring a few steps", 0, "steps");
  Setup setup(run, stop);
  const TunePlan plan = plan_time(setup);
  progress.end();
  Json told = plan.to_json();
  told["trainable_parameters"] = setup.trainable_parameters();
  told["total_parameters"] = setup.total_parameters();
  return told;
}

Json foresee_tune(const RunFile& run, const StopToken& stop) {
  const Setup setup(run, stop);
  const TunePlan plan = plan_bytes(setup);
  Json told = plan.to_json();
  told["evaluated_tokens"] = evaluated_tokens(setup);
  return told;
}

}  // namespace pomona::train
