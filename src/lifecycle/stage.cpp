#include "lifecycle/stage.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/hash.h"
#include "hub/model_path.h"
#include "kernel/roof.h"
#include "lifecycle/outputs.h"
#include "simd/cpu.h"

namespace pomona::lifecycle {

std::string_view name_of(Split split) {
  switch (split) {
    case Split::train:
      return "train";
    case Split::valid:
      return "valid";
    case Split::test:
      break;
  }
  return "test";
}

std::string ModelFile::title() const {
  if (entry != nullptr) return entry->title;
  return path.empty() ? name : path.filename().string();
}

std::string ModelFile::identity() const {
  return adapter ? sha256_hex(hash + "+" + adapter->artefact) : hash;
}

Run::Run(const AppFile& app_, const RunOptions& options_, ProgressSink& progress_,
         const StopToken& stop_)
    : app(app_),
      options(options_),
      progress(progress_),
      stop(stop_),
      models(options_.home),
      store(options_.home),
      alias(alias_of(app_, options_.set, models)),
      notes(app_.notes),
      hashes_(options_.home) {}

const Method& Run::method(std::string_view name) const {
  const auto found = std::find_if(methods.begin(), methods.end(),
                                  [&](const Method& method) { return method.name == name; });
  if (found == methods.end()) fail(ErrorKind::internal, "run: no method {}", name);
  return *found;
}

const Method& Run::promoted() const {
  const auto compared = finished.find("evaluate");
  if (compared == finished.end()) return methods.back();
  return method(compared->second.meta.at("promoted").get<std::string>());
}

std::vector<Split> Run::splits() const {
  if (app.valid.empty() || (methods.size() < 2 && app.tune.empty())) return {Split::test};
  return {Split::valid, Split::test};
}

const fs::path& Run::file_of(Split split) const {
  return split == Split::train ? app.train : split == Split::valid ? app.valid : app.test;
}

const std::string& Run::hash_of(Split split) {
  std::string& hash = split_hashes_[split];
  if (hash.empty()) hash = hashes_.sha256(file_of(split));
  return hash;
}

const std::vector<Row>& Run::rows(Split split) {
  const auto known = rows_.find(split);
  if (known != rows_.end()) return known->second.rows;
  return (rows_[split] = read(split, split == Split::train ? std::nullopt : app.limit)).rows;
}

std::vector<Row> Run::all_rows(Split split) {
  return app.limit && split != Split::train ? read(split, std::nullopt).rows : rows(split);
}

Rows Run::read(Split split, std::optional<std::size_t> limit) {
  const std::string& expected = hash_of(split);
  Rows rows = read_rows(file_of(split), app.input, app.output, limit);
  if (hashes_.sha256(file_of(split)) != expected)
    fail(ErrorKind::io, "data {}: changed while this run was using it; run again",
         file_of(split).string());
  return rows;
}

std::size_t Run::rows_in_file(Split split) {
  rows(split);
  return rows_.at(split).in_file;
}

bool Run::is_here(const ModelFile& model) const {
  std::error_code ignored;
  return !model.path.empty() && fs::exists(model.path, ignored);
}

std::string Run::hash_of_model(const fs::path& path) { return hashes_.sha256_of_model(path); }

bool Run::model_is_here() const { return is_here(selection); }

void Run::fetch(ModelFile& model) {
  if (is_here(model) || model.pull.empty()) return;
  const hub::Pulled pulled = models.pull(model.pull, progress, stop);
  if (!model.hash.empty() && model.hash != pulled.sha256)
    fail(ErrorKind::bad_file,
         "run: the hub has another file for {} than when this run's model was chosen (sha256 {}, "
         "not {}); run again, which chooses anew",
         model.name, pulled.sha256, model.hash);
  model.path = pulled.path;
  model.hash = pulled.sha256;
  model.bytes = pulled.bytes;
}

ModelFile Run::here(ModelFile model) {
  fetch(model);
  return model;
}

eval::Answerer& Run::answerer() {
  fetch(selection);
  return answerer(selection);
}

eval::Answerer& Run::answerer(const ModelFile& model) {
  std::string opening = model.pull.empty() ? model.path.string() : model.pull;
  eval::AnswererOptions how{options.threads, options.compute, options.context};
  if (model.adapter) {
    how.adapters = {{model.adapter->path}};
    opening.append(" + ").append(model.adapter->path.string());
  }
  if (!answerer_ || opened_ != opening) {
    close();
    answerer_ = options.open_model(here(model).path, how);
    opened_ = opening;
  }
  return *answerer_;
}

void Run::close() {
  answerer_.reset();
  measured_.reset();
}

const eval::Speed& Run::measured_speed() {
  eval::Answerer& model = answerer();
  if (!measured_) measured_ = model.measure(stop);
  return *measured_;
}

const hub::Artefact& Run::artefact(const std::string& job) const {
  const auto found = finished.find(job);
  if (found == finished.end()) fail(ErrorKind::internal, "run: no artefact of job {}", job);
  return found->second;
}

namespace {

/// A guess from the processor's roof: half of it in prefill, and decoding a batch at a quarter.
eval::Speed estimated_speed(const ModelFile& selection, int threads) {
  constexpr double kUnknown = 1e9;
  const double parameters = selection.entry != nullptr
                                ? static_cast<double>(selection.entry->parameters)
                            : selection.bytes > 0 ? static_cast<double>(selection.bytes) * 1.6
                                                  : kUnknown;
  const double gops = kernel::int8_gops(simd::level_in_use(), 0.02) * static_cast<double>(threads);
  const double prefill = 0.5 * gops * 1e9 / (2 * std::max(parameters, 1.0));
  return {prefill, prefill / 2};
}

KnownSpeed find_speed(Run& run) {
  // Measured anew each time: what an earlier run saw may have been a machine busy with other work.
  if (run.model_is_here()) return {run.measured_speed(), "measured"};
  const int threads = run.options.threads > 0 ? run.options.threads : available_threads();
  return {estimated_speed(run.selection, threads), "estimated"};
}

}  // namespace

const KnownSpeed& Run::speed() {
  if (!speed_) speed_ = find_speed(*this);
  return *speed_;
}

}  // namespace pomona::lifecycle
