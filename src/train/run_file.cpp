#include "train/run_file.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/text.h"
#include "base/toml_keys.h"
#include "hub/model_path.h"

namespace pomona::train {
namespace {

constexpr std::int64_t kMost = 1'000'000'000'000;
constexpr double kBelowOne = 1 - 1e-9;

bool is_soft_prompt(std::string_view kind) { return kind == "prompt" || kind == "prefix"; }

double default_alpha(std::string_view kind, std::int64_t rank) {
  return kind == "rslora" ? 8 : 2 * static_cast<double>(rank);
}

void read(const TomlTable& table, std::string_view key, std::int64_t& value, std::int64_t low,
          std::int64_t high) {
  value = ranged(table, key, table.get(key, value), low, high);
}

void read(const TomlTable& table, std::string_view key, std::optional<std::int64_t>& value,
          std::int64_t low, std::int64_t high) {
  if (const auto found = table.find<std::int64_t>(key))
    value = ranged(table, key, *found, low, high);
}

void read(const TomlTable& table, std::string_view key, double& value, double low, double high) {
  value = ranged(table, key, table.get(key, value), low, high);
}

template <class List>
void read(const TomlTable& table, std::string_view key, std::string& value, const List& known,
          std::string_view what) {
  value = table.get(key, value);
  check_known(table, key, value, known, what);
}

void read(const TomlTable& table, std::string_view key, fs::path& value, const fs::path& folder) {
  if (table.has(key)) value = folder / filled(table, key);
}

void read_model(const TomlTable& table, RunFile& run) {
  if (table.has("base")) {
    run.model.base = filled(table, "base");
    run.model.base_is_path = hub::names_path(run.folder, run.model.base);
    if (run.model.base_is_path)
      run.model.base = fs::absolute(run.folder / run.model.base).lexically_normal().string();
  }
  read(table, "context", run.model.context, 2, kMost);
}

/// What [data] and each of [[data.sets]] have in common.
void read_set(const TomlTable& table, const fs::path& folder, RunFile::DataSet& set) {
  read(table, "train", set.train, folder);
  read(table, "valid", set.valid, folder);
  read(table, "format", set.format, kFormats, "format");
  set.instruction = table.get("instruction", set.instruction);
  const TomlTable columns = table.table("columns");
  for (const std::string_view role : kRoles) {
    if (!columns.has(role)) continue;
    std::erase_if(set.columns, [&](const auto& known) { return known.first == role; });
    set.columns.emplace_back(role, filled(columns, role));
  }
}

void read_sets(const TomlTable& data, const fs::path& folder, RunFile::Data& settings) {
  RunFile::DataSet common = settings.sets.empty() ? RunFile::DataSet() : settings.sets.front();
  const std::vector<TomlTable> tables = data.tables("sets");
  read_set(data, folder, common);
  if (tables.empty()) {
    if (settings.sets.size() < 2) settings.sets = {common};
    return;
  }
  for (const std::string_view key : {"train", "valid"}) {
    if (data.has(key)) data.reject(key, "stands beside [[data.sets]]; each set names its own");
  }
  settings.sets.clear();
  for (const TomlTable& table : tables) {
    RunFile::DataSet set = common;
    set.name = filled(table, "name");
    read_set(table, folder, set);
    if (!table.has("train")) table.missing("train", "expected the file that the set trains on");
    read(table, "weight", set.weight, 1e-9, 1e9);
    read(table, "cap", set.cap, 1, kMost);
    for (const RunFile::DataSet& other : settings.sets) {
      if (other.name == set.name) table.reject("name", "\"{}\" stands twice", set.name);
    }
    settings.sets.push_back(std::move(set));
  }
}

void read_data(const TomlTable& table, RunFile& run) {
  read(table, "temperature", run.data.temperature, 0.01, 1e6);
  read(table, "loss", run.data.loss, kLosses, "part of a row to learn");
  read(table, "max_length", run.data.max_length, 2, kMost);
  read(table, "overlong", run.data.overlong, kOverlong, "way with over-long rows");
  read(table, "forgetting", run.data.forgetting, run.folder);
  read_sets(table, run.folder, run.data);
}

void read_method(const TomlTable& table, RunFile& run) {
  RunFile::Method& method = run.method;
  const bool has_alpha = table.has("alpha");
  read(table, "rank", method.rank, 1, 65536);
  if (table.has("rank")) method.alpha = default_alpha(method.kind, method.rank);
  if (has_alpha) method.alpha = ranged(table, "alpha", table.get<double>("alpha"), 1e-6, 1e6);
  read(table, "dropout", method.dropout, 0, 0.99);
  if (auto targets = table.find_texts("targets")) {
    if (targets->empty()) table.reject("targets", "is empty; expected \"all-linear\" or names");
    method.targets = std::move(*targets);
  }
  read(table, "last_layers", method.last_layers, 1, 100'000);
  read(table, "virtual_tokens", method.virtual_tokens, 1, 1'000'000);
  read(table, "init", method.init, kInits, "start of a soft prompt");
  method.init_text = table.get("init_text", method.init_text);
  if (auto labels = table.find_texts("init_labels")) method.init_labels = std::move(*labels);
  if (method.init == "text" && trim(method.init_text).empty())
    table.missing("init_text", "init = \"text\" starts the soft prompt from it");
  if (method.init == "labels" && method.init_labels.empty())
    table.missing("init_labels", "init = \"labels\" starts the soft prompt from them");
  read(table, "scratch", method.scratch, run.folder);
  if (!method.scratch.empty() && method.kind != "full")
    table.reject("scratch", "a model from scratch trains whole: kind \"full\", not \"{}\"",
                 method.kind);
}

void read_optimiser(const TomlTable& table, RunFile& run) {
  RunFile::Optimiser& optimiser = run.optimiser;
  read(table, "name", optimiser.name, kOptimisers, "optimiser");
  if (table.has("name"))
    optimiser.learning_rate = default_learning_rate(run.method.kind, optimiser.name);
  read(table, "learning_rate", optimiser.learning_rate, 0, 100);
  read(table, "weight_decay", optimiser.weight_decay, 0, 100);
  read(table, "beta1", optimiser.beta1, 0, kBelowOne);
  read(table, "beta2", optimiser.beta2, 0, kBelowOne);
  read(table, "epsilon", optimiser.epsilon, 1e-30, 1);
  read(table, "momentum", optimiser.momentum, 0, kBelowOne);
  read(table, "clip", optimiser.clip, 0, 1e9);
}

/// A number of steps, or below 1 a share of all.
void read_span(const TomlTable& table, std::string_view key, double& value) {
  read(table, key, value, 0, 1e9);
  if (value >= 1 && value != std::floor(value))
    table.reject(key, "{} is neither a share below 1 nor a whole number of steps", value);
}

void read_schedule(const TomlTable& table, RunFile& run) {
  RunFile::Schedule& schedule = run.schedule;
  read(table, "kind", schedule.kind, kSchedules, "schedule");
  read_span(table, "warmup", schedule.warmup);
  read_span(table, "decay", schedule.decay);
  read(table, "minimum", schedule.minimum, 0, 1);
}

void read_train(const TomlTable& table, RunFile& run) {
  RunFile::Train& train = run.train;
  const auto epochs = table.find<double>("epochs");
  if (epochs) train.epochs = ranged(table, "epochs", *epochs, 1e-6, 1e6);
  if (table.has("steps") && !epochs) train.epochs.reset();
  read(table, "steps", train.steps, 1, kMost);
  read(table, "threads", train.threads, 0, 4096);
  read(table, "batch_size", train.batch_size, 1, 1'000'000);
  read(table, "accumulate", train.accumulate, 1, 1'000'000);
  train.seed = static_cast<std::uint64_t>(ranged<std::int64_t>(
      table, "seed", table.get("seed", static_cast<std::int64_t>(train.seed)), 0, INT64_MAX));
  read(table, "precision", train.precision, kPrecisions, "precision");
  read(table, "pack_tokens", train.pack_tokens, 1, 100'000'000);
  train.checkpoint_activations = table.get("checkpoint_activations", train.checkpoint_activations);
  read(table, "checkpoint_every", train.checkpoint_every, 0, kMost);
  read(table, "evaluate_every", train.evaluate_every, 0, kMost);
  read(table, "patience", train.patience, 0, kMost);
  read(table, "keep", train.keep, kKeeps, "choice of what is kept");
}

/// A method's own defaults; everything else stays.
void apply_method(std::string_view kind, RunFile& run) {
  run.method.kind = kind;
  run.method.alpha = default_alpha(kind, run.method.rank);
  run.optimiser.learning_rate = default_learning_rate(kind, run.optimiser.name);
  run.schedule.kind = is_soft_prompt(kind) ? "constant" : "linear";
  run.train.epochs = is_soft_prompt(kind) ? 5 : 1;
}

/// Fails for what a run file must say and does not.
void check_whole(const TomlTable& root, const RunFile& run) {
  if (run.model.base.empty())
    root.table("model").missing("base",
                                "expected the model to train (for a model from scratch, "
                                "the one whose tokeniser it gets)");
  if (run.data.sets.front().train.empty())
    root.table("data").missing("train", "expected the file to train on");
  if (run.output.empty())
    root.table("output").missing("dir", "expected the folder for what comes out");
}

}  // namespace

bool RunFile::has_valid() const {
  return std::any_of(data.sets.begin(), data.sets.end(),
                     [](const DataSet& set) { return !set.valid.empty(); });
}

double default_learning_rate(std::string_view kind, std::string_view optimiser) {
  const bool soft = is_soft_prompt(kind), low_rank = kind == "lora" || kind == "rslora";
  if (optimiser == "adafactor") return soft ? 0.3 : low_rank ? 1e-3 : 1e-4;
  if (optimiser == "sgd") return soft ? 1 : low_rank ? 0.1 : 0.01;
  if (soft) return 1e-3;
  return kind == "lora" ? 5e-4 : kind == "rslora" ? 2e-4 : 5e-5;
}

RunFile default_run(std::string_view kind) {
  if (std::count(kMethods.begin(), kMethods.end(), kind) == 0)
    fail(ErrorKind::bad_argument, "tune: \"{}\" is no method; there are: {}", kind,
         fmt::join(kMethods, ", "));
  RunFile run;
  run.data.sets.resize(1);
  apply_method(kind, run);
  return run;
}

RunFile read_run(const TomlTable& table, RunFile run) {
  // All tables first, so that none is taken for another misspelt.
  const TomlTable model = table.table("model"), data = table.table("data"),
                  method = table.table("method"), optimiser = table.table("optimiser"),
                  schedule = table.table("schedule"), train = table.table("train"),
                  output = table.table("output");
  std::string kind = run.method.kind;
  read(method, "kind", kind, kMethods, "method");
  if (kind != run.method.kind) apply_method(kind, run);
  read_model(model, run);
  read_data(data, run);
  read_method(method, run);
  read_optimiser(optimiser, run);
  read_schedule(schedule, run);
  read_train(train, run);
  read(output, "dir", run.output, run.folder);
  return run;
}

RunFile read_run_file(const fs::path& path,
                      const std::vector<std::pair<std::string, std::string>>& set) {
  std::error_code ignored;
  check_utf8(fs::absolute(path, ignored).string(), "tune: the run file's path");
  TomlTable root = TomlTable::read(path);
  for (const auto& [key, value] : set) root.set(key, value);
  RunFile run = default_run("lora");
  run.path = path;
  run.folder = path.parent_path();
  run = read_run(root, std::move(run));
  check_whole(root, run);
  root.finish();
  return run;
}

Json settings_of(const RunFile& run) {
  const auto optional = [](const auto& value) { return value ? Json(*value) : Json(); };
  Json sets = Json::array();
  for (const RunFile::DataSet& set : run.data.sets) {
    Json columns = Json::object();
    for (const auto& [role, column] : set.columns) columns[role] = column;
    sets.push_back({{"name", set.name},
                    {"format", set.format},
                    {"columns", columns},
                    {"instruction", set.instruction},
                    {"weight", set.weight},
                    {"cap", optional(set.cap)}});
  }
  return {{"model.context", optional(run.model.context)},
          {"data.sets", sets},
          {"data.temperature", run.data.temperature},
          {"data.loss", run.data.loss},
          {"data.max_length", optional(run.data.max_length)},
          {"data.overlong", run.data.overlong},
          {"method.kind", run.method.kind},
          {"method.scratch", !run.method.scratch.empty()},
          {"method.rank", run.method.rank},
          {"method.alpha", run.method.alpha},
          {"method.dropout", run.method.dropout},
          {"method.targets", run.method.targets},
          {"method.last_layers", run.method.last_layers},
          {"method.virtual_tokens", run.method.virtual_tokens},
          {"method.init", run.method.init},
          {"method.init_text", run.method.init_text},
          {"method.init_labels", run.method.init_labels},
          {"optimiser.name", run.optimiser.name},
          {"optimiser.learning_rate", run.optimiser.learning_rate},
          {"optimiser.weight_decay", run.optimiser.weight_decay},
          {"optimiser.beta1", run.optimiser.beta1},
          {"optimiser.beta2", run.optimiser.beta2},
          {"optimiser.epsilon", run.optimiser.epsilon},
          {"optimiser.momentum", run.optimiser.momentum},
          {"optimiser.clip", run.optimiser.clip},
          {"schedule.kind", run.schedule.kind},
          {"schedule.warmup", run.schedule.warmup},
          {"schedule.decay", run.schedule.decay},
          {"schedule.minimum", run.schedule.minimum},
          {"train.epochs", optional(run.train.epochs)},
          {"train.steps", optional(run.train.steps)},
          {"train.batch_size", run.train.batch_size},
          {"train.accumulate", run.train.accumulate},
          {"train.seed", run.train.seed},
          {"train.precision", run.train.precision},
          {"train.pack_tokens", run.train.pack_tokens},
          {"train.evaluate_every", run.train.evaluate_every},
          {"train.patience", run.train.patience}};
}

}  // namespace pomona::train
