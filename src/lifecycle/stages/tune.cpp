// tune: training on the application's own rows, a method each: low-rank changes, soft prompts, all
// weights or the last layers. They learn to answer the very prompt that zero-shot gets.
#include "train/tune.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

#include "base/error.h"
#include "base/file.h"
#include "base/peak_memory.h"
#include "base/text.h"
#include "base/toml_keys.h"
#include "hub/model_path.h"
#include "lifecycle/prompt_sizes.h"
#include "lifecycle/stage.h"
#include "simd/cpu.h"

namespace pomona::lifecycle {
namespace {

constexpr std::array<std::string_view, 6> kTuneMethods = {"soft-prompt", "prefix", "lora",
                                                          "rslora",      "freeze", "full"};
constexpr std::string_view kTrainFile = "train.jsonl", kValidFile = "valid.jsonl";
/// What only a run that goes on needs.
constexpr std::array<std::string_view, 5> kWorkFiles = {kTrainFile, kValidFile, "state.safetensors",
                                                        "best.safetensors", "lock"};

std::string kind_of(std::string_view method) {
  return method == "soft-prompt" ? "prompt" : std::string(method);
}

bool makes_adapter(const train::RunFile& run) {
  return run.method.kind != "full" && run.method.kind != "freeze";
}

/// [tune.lora]: a run file without what the application says.
train::RunFile read_method(const TomlTable& table, std::string_view name, const AppFile& app) {
  struct Taken {
    std::string_view table, key, by;
  };
  constexpr std::array kTaken = {
      Taken{"model", "base", "[model] base"},     Taken{"data", "train", "[data] train"},
      Taken{"data", "valid", "[data] valid"},     Taken{"data", "format", "[data]"},
      Taken{"data", "columns", "[data]"},         Taken{"data", "sets", "[data]"},
      Taken{"data", "instruction", "[prompt]"},   Taken{"method", "kind", "[tune] methods"},
      Taken{"method", "scratch", "[model] base"}, Taken{"output", "dir", "the store"},
      Taken{"train", "threads", "--threads"}};
  for (const Taken& taken : kTaken) {
    const TomlTable inner = table.table(taken.table);
    if (inner.has(taken.key))
      inner.reject(taken.key, "is a run file's own; in an application {} says it", taken.by);
  }
  train::RunFile run = train::default_run(kind_of(name));
  run.folder = app.folder;
  // A killed run goes on from there: the rows are few, and so are the steps.
  run.train.checkpoint_every = makes_adapter(run) ? 5 : 25;
  run = train::read_run(table, std::move(run));
  run.data.sets.front().format = "messages";
  return run;
}

/// [tune]
void tune_read(const TomlTable& root, AppFile& app) {
  const TomlTable table = root.table("tune");
  const auto names = table.get<std::vector<std::string>>("methods", {});
  for (const std::string_view name : kTuneMethods) table.table(name);
  for (const std::string& name : names) {
    check_known(table, "methods", name, kTuneMethods, "tuning method");
    if (std::ranges::count(names, name) > 1) table.reject("methods", "{} stands there twice", name);
  }
  for (const std::string_view name : kTuneMethods) {
    TuneMethod method{std::string(name), read_method(table.table(name), name, app)};
    if (std::ranges::count(names, name) > 0) app.tune.push_back(std::move(method));
  }
  std::ranges::sort(app.tune, {}, [&](const TuneMethod& method) {
    return std::ranges::find(names, method.name) - names.begin();
  });
  const TomlTable data = root.table("data");
  if (!app.tune.empty() && app.train.empty()) data.missing("train", "[tune] learns from it");
  if (!app.tune.empty() && app.valid.empty())
    data.missing("valid", "with several methods it picks the best one");
}

void write_rows(const fs::path& file, const std::vector<Row>& rows, const PromptRecipe& recipe) {
  std::string text;
  for (const Row& row : rows) {
    Json messages = Json::array();
    for (const model::Message& message : recipe.messages(row.input))
      messages.push_back({{"role", message.role}, {"content", message.content}});
    messages.push_back({{"role", "assistant"}, {"content", row.output}});
    text.append(Json{{"messages", std::move(messages)}}.dump()).append("\n");
  }
  write_file(file, text);
}

/// The run of a method, its data written to `folder`.
train::RunFile prepared(Run& run, const TuneMethod& method, const PromptRecipe& recipe,
                        const fs::path& folder) {
  write_rows(folder / kTrainFile, run.all_rows(Split::train), recipe);
  write_rows(folder / kValidFile, run.all_rows(Split::valid), recipe);
  train::RunFile made = method.run;
  made.model.base = fs::absolute(run.here(run.selection).path).string();
  made.model.base_is_path = true;
  if (run.options.context > 0 && !made.model.context) made.model.context = run.options.context;
  made.data.sets.front().train = folder / kTrainFile;
  made.data.sets.front().valid = folder / kValidFile;
  made.train.threads = run.options.threads;
  made.output = folder;
  return made;
}

std::uint64_t bytes_of(const fs::path& made) {
  return fs::is_directory(made) ? hub::folder_bytes(made) : fs::file_size(made);
}

Json tune(Run& run, const TuneMethod& method, const PromptRecipe& recipe, hub::Draft& draft) {
  const train::RunFile settings = prepared(run, method, recipe, draft.folder());
  run.close();
  const PeakMemory peak;
  Json result = run.options.tune(settings, draft.resumed(), run.progress, run.stop);
  result["peak_bytes"] = peak.bytes();
  const fs::path output = result.at("output").get<std::string>();
  result["output"] = output.filename().string();
  result["bytes"] = bytes_of(output);
  for (const std::string_view file : kWorkFiles) fs::remove(draft.folder() / file);
  return result;
}

/// Seconds of training and of evaluating in between, from the speed at which the model reads
/// prompts in whole numbers: floating-point products take kPrecise times as long, and a token that
/// is learnt from is worth two or three that are read.
double seconds_of(Run& run, const train::RunFile& settings, double learnt, double read) {
  const bool bf16 =
      settings.train.precision == "bf16" ||
      (settings.train.precision == "auto" && simd::level_in_use() == simd::Level::avx512);
  const double precise = bf16 ? 2 : 4;
  const double passes = settings.method.kind == "full" ? 3 : 2;
  return precise * (passes * learnt + read) / run.speed().speed.prefill_tokens_per_second;
}

/// A folder of its own that goes with the object.
class Scratch {
 public:
  Scratch() {
    std::string name = (fs::temp_directory_path() / "pomona-plan-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) fail_io("make", name, errno);
    folder_ = name;
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const fs::path& folder() const { return folder_; }

 private:
  fs::path folder_;
};

Cost predict(Run& run, const TuneMethod& method, const PromptRecipe& recipe) {
  const train::RunFile& settings = method.run;
  Cost cost;
  if (run.model_is_here()) {
    run.speed();
    run.close();
    const Scratch scratch;
    const Json plan =
        run.options.foresee_tune(prepared(run, method, recipe, scratch.folder()), run.stop);
    cost.peak_bytes = plan.at("predicted_peak_bytes").get<std::uint64_t>();
    const auto evaluations = plan.at("evaluations").get<double>();
    cost.seconds = seconds_of(run, settings, plan.at("tokens").get<double>(),
                              plan.at("evaluated_tokens").get<double>() * (evaluations + 1));
    cost.what =
        fmt::format("{} steps, {} tokens, at an estimated speed",
                    plan.at("steps").get<std::int64_t>(), plan.at("tokens").get<std::int64_t>());
    return cost;
  }
  constexpr std::size_t kPlannedRows = 32;
  constexpr double kCharactersPerToken = 4;
  const PromptSizes sizes =
      prompt_sizes(run, {method.name, run.selection, recipe}, Split::train, kPlannedRows);
  double tokens = sizes.mean * static_cast<double>(sizes.rows);
  for (const Row& row : run.rows(Split::train))
    tokens += static_cast<double>(row.output.size()) / kCharactersPerToken;
  const double epochs = settings.train.epochs.value_or(
      static_cast<double>(settings.train.steps.value_or(0) * settings.rows_a_step()) /
      static_cast<double>(sizes.rows));
  cost.seconds = seconds_of(run, settings, tokens * epochs, 0);
  cost.what = fmt::format("about {:.0f} tokens {:g} times", tokens, epochs);
  return cost;
}

/// A method by its job, before it is made.
Method method_of(Run& run, const TuneMethod& method, const PromptRecipe& recipe,
                 const std::string& key) {
  Method made{method.name, run.selection, recipe};
  const fs::path folder = run.store.home().artefact(key);
  if (makes_adapter(method.run)) {
    made.model.adapter = {
        .artefact = key,
        .path = folder / hub::kAdapterFolder,
        .changes_weights = method.run.method.kind == "lora" || method.run.method.kind == "rslora"};
    return made;
  }
  made.model = {};
  made.model.name = method.name;
  made.model.artefact = made.model.hash = key;
  made.model.alias_of =
      run.is_here(run.selection) && fs::is_directory(run.selection.path) ? "model" : "model.gguf";
  made.model.path = folder / made.model.alias_of;
  return made;
}

Job tune_job(Run& run, const TuneMethod& method, const PromptRecipe& recipe) {
  Job job{.id = "tune " + method.name, .name = method.name, .key = {}, .predict = {}, .make = {}};
  Json settings = train::settings_of(method.run);
  if (run.options.context > 0 && !method.run.model.context)
    settings["model.context"] = run.options.context;
  job.key = {"tune",
             1,
             {{"settings", std::move(settings)},
              {"recipe", to_json(recipe)},
              {"input", run.app.input},
              {"output", run.app.output}},
             {{"model", run.selection.hash},
              {"train", run.hash_of(Split::train)},
              {"valid", run.hash_of(Split::valid)}}};
  if (!method.run.data.forgetting.empty())
    job.key.inputs.emplace("forgetting", run.hash_of_model(method.run.data.forgetting));
  job.opens_model = true;
  job.predict = [&run, &method, recipe] { return predict(run, method, recipe); };
  job.make = [&run, &method, recipe](hub::Draft& draft) {
    return tune(run, method, recipe, draft);
  };
  return job;
}

std::vector<Job> tune_jobs(Run& run) {
  const PromptRecipe recipe{run.app.instruction, {}};
  std::vector<Job> jobs;
  for (const TuneMethod& method : run.app.tune) {
    jobs.push_back(tune_job(run, method, recipe));
    run.methods.push_back(method_of(run, method, recipe, jobs.back().key.hex()));
  }
  return jobs;
}

/// What the report tells of a method, from what training returned.
Json training_of(const Method& method, const hub::Artefact& made) {
  const Json& meta = made.meta;
  Json told = {{"seconds",
                std::max(meta.at("seconds").get<double>(), meta.at("train_seconds").get<double>())},
               {"share", meta.at("trainable_parameters").get<double>() /
                             meta.at("total_parameters").get<double>()},
               {"artefact", made.key},
               {"curves", "curves-" + method.name + ".html"}};
  for (const char* key : {"steps", "tokens", "tokens_per_second", "train_loss", "eval_loss",
                          "best_step", "total_parameters", "peak_bytes", "bytes"})
    told[key] = meta.at(key);
  return told;
}

void tune_settle(Run& run) {
  for (const TuneMethod& tuned : run.app.tune) {
    const hub::Artefact& made = run.artefact("tune " + tuned.name);
    Method& method = *std::ranges::find(run.methods, tuned.name, &Method::name);
    method.trainable_parameters = made.meta.at("trainable_parameters").get<std::int64_t>();
    if (const Json& forgetting = made.meta.at("forgetting"); !forgetting.is_null())
      method.forgetting = forgetting.get<double>();
    method.training = training_of(method, made);
    const auto bytes = made.meta.at("bytes").get<std::uint64_t>();
    ModelFile& model = method.model;
    if (model.adapter) {
      model.adapter->bytes = bytes;
      model.path = run.selection.path;
      continue;
    }
    model.bytes = bytes;
    model.alias_of = made.meta.at("output").get<std::string>();
    model.path = made.folder / model.alias_of;
  }
}

}  // namespace

extern const Stage kTune = {.name = "tune",
                            .tables = {"tune"},
                            .read = tune_read,
                            .jobs = tune_jobs,
                            .settle = tune_settle};

}  // namespace pomona::lifecycle
