#include "train/trainer.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/clock.h"
#include "base/error.h"
#include "train/clip.h"
#include "train/passes.h"

namespace pomona::train {
namespace {

/// With a gradient each, which the tape adds to.
std::vector<Trainable> with_gradients(std::vector<Trainable> trainables) {
  for (Trainable& one : trainables) {
    if (!one.value.needs_gradient())
      fail(ErrorKind::internal, "training: {} asks for no gradient", one.name);
    if (!one.gradient.defined()) one.gradient = Tensor::zeros(one.value.shape());
    one.value.variable()->gradient = std::make_shared<Tensor>(one.gradient);
  }
  return trainables;
}

}  // namespace

Trainer::Trainer(Objective& objective, Sampler sampler, std::vector<Trainable> trainables,
                 const OptimiserSettings& optimiser, const ScheduleSettings& schedule,
                 const TrainerSettings& settings)
    : objective_(objective),
      sampler_(std::move(sampler)),
      trainables_(with_gradients(std::move(trainables))),
      optimiser_(make_optimiser(optimiser, trainables_)),
      schedule_(schedule, settings.steps),
      settings_(settings) {
  if (settings_.batch_rows < 1 || settings_.pack_tokens < 1)
    fail(ErrorKind::bad_argument, "training: {} rows a step in passes of {} tokens",
         settings_.batch_rows, settings_.pack_tokens);
}

std::vector<RowId> Trainer::draw() {
  std::vector<RowId> rows;
  for (std::int64_t i = 0; i < settings_.batch_rows; ++i) rows.push_back(sampler_.next());
  return rows;
}

std::vector<std::vector<RowId>> Trainer::passes_of_next() const {
  Sampler ahead = sampler_;
  std::vector<RowId> rows;
  for (std::int64_t i = 0; i < settings_.batch_rows; ++i) rows.push_back(ahead.next());
  return pack_rows(objective_, rows, settings_.pack_tokens);
}

void Trainer::refuse(const Context& context, std::span<const RowId> rows) const {
  std::string names;
  for (const RowId& row : rows) {
    const double loss = objective_.evaluate(context, std::span(&row, 1)).loss;
    if (std::isfinite(loss)) continue;
    names.append(names.empty() ? "" : ", ").append(objective_.name(row));
  }
  fail(ErrorKind::bad_argument,
       "training: step {}: the loss or its gradient is not a number{}; nothing was changed by this "
       "step: lower the learning rate, or look at these rows",
       done_ + 1, names.empty() ? " (no single row's loss is at fault)" : " in " + names);
}

StepReport Trainer::step(const Context& context) {
  const double begun = steady_seconds();
  StepReport report;
  const Sampler before = sampler_;
  const std::vector<RowId> rows = draw();
  report.rows = static_cast<std::int64_t>(rows.size());
  for (const RowId& row : rows) {
    const RowSize size = objective_.size(row);
    report.tokens += size.tokens;
    report.terms += size.terms;
  }
  for (const Trainable& one : trainables_)
    std::memset(one.gradient.raw(), 0, static_cast<std::size_t>(one.gradient.bytes()));
  try {
    LossSum sum;
    const auto passes = pack_rows(objective_, rows, settings_.pack_tokens);
    Noise noise{settings_.seed, static_cast<std::uint64_t>(done_) + 1, 0};
    Context working = context;
    working.noise = &noise;
    for (const auto& pass : passes) {
      if (context.stop != nullptr) context.stop->check("training");
      sum += objective_.accumulate(working, pass, 1 / static_cast<double>(report.terms));
    }
    report.passes = static_cast<std::int64_t>(passes.size());
    report.loss = sum.mean();
    report.gradient_norm = gradient_norm(context, trainables_);
    if (!std::isfinite(report.loss) || !std::isfinite(report.gradient_norm)) refuse(context, rows);
  } catch (...) {
    sampler_ = before;
    throw;
  }
  const double scale = settings_.clip > 0 ? clip_scale(report.gradient_norm, settings_.clip) : 1;
  report.learning_rate = settings_.learning_rate * schedule_.factor(done_);
  optimiser_->step(context, trainables_, report.learning_rate, scale);
  report.step = ++done_;
  report.seconds = steady_seconds() - begun;
  return report;
}

std::vector<StateTensor> Trainer::state() {
  std::vector<StateTensor> all;
  for (const Trainable& one : trainables_) all.push_back({"parameter." + one.name, one.value});
  for (StateTensor& part : optimiser_->state()) {
    part.name.insert(0, "optimiser.");
    all.push_back(std::move(part));
  }
  return all;
}

void Trainer::resume_at(std::int64_t step) {
  sampler_.skip((step - done_) * settings_.batch_rows);
  done_ = step;
}

LossSum evaluate_rows(const Objective& objective, const Context& context,
                      std::span<const RowId> rows, std::int64_t tokens) {
  LossSum sum;
  for (const auto& pass : pack_rows(objective, rows, tokens)) {
    if (context.stop != nullptr) context.stop->check("evaluation");
    sum += objective.evaluate(context, pass);
  }
  return sum;
}

}  // namespace pomona::train
