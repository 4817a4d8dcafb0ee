// select: the model an application stands on. "auto" takes the best model of the catalogue that is
// made for the use case, knows the language, and that memory, licences and speed allow.
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/hash.h"
#include "base/text.h"
#include "base/toml_keys.h"
#include "hub/model_path.h"
#include "lifecycle/auto_decision.h"
#include "lifecycle/prompt_sizes.h"
#include "lifecycle/selection.h"
#include "lifecycle/stage.h"

namespace pomona::lifecycle {
namespace {

/// "2 GB", "800MB", "1.5 GiB", or a number of bytes.
std::uint64_t parse_size(const TomlTable& table, std::string_view key, std::string_view text) {
  const std::string_view whole = trim(text);
  std::size_t used = 0;
  double value = -1;
  try {
    value = std::stod(std::string(whole), &used);
  } catch (const std::exception&) {
    used = 0;
  }
  static const std::map<std::string_view, double> kUnits = {
      {"", 1},        {"B", 1},     {"kB", 1e3},   {"KB", 1e3},      {"MB", 1e6},
      {"GB", 1e9},    {"TB", 1e12}, {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824},
      {"TiB", 0x1p40}};
  const auto unit = kUnits.find(trim(whole.substr(used)));
  if (used == 0 || unit == kUnits.end() || !std::isfinite(value) || value <= 0 ||
      value * unit->second >= 0x1p63)
    table.reject(key, "\"{}\" is no size such as \"2 GB\" or \"800 MB\"", text);
  return static_cast<std::uint64_t>(value * unit->second);
}

/// [model]
void select_read(const TomlTable& root, AppFile& app) {
  const TomlTable table = root.table("model");
  app.base = table.get<std::string>("base", "auto");
  if (app.base.empty()) table.reject("base", "is empty; expected a model, or \"auto\"");
  app.base_is_path = hub::names_path(app.folder, app.base);
  if (app.base_is_path) app.base = fs::absolute(app.folder / app.base).lexically_normal().string();
  if (const auto memory = table.find<std::string>("max_memory"))
    app.max_memory = parse_size(table, "max_memory", *memory);
  if (const auto speed = table.find<double>("min_speed"))
    app.min_speed = ranged(table, "min_speed", *speed, 0.0, 1e9);
  app.licences = table.get<std::vector<std::string>>("licences", {});
}

Json select(Run& run) {
  Json choice = {{"why", "named in the application file"}};
  if (is_auto(run.app)) {
    choice = told(run, decide(run, Absent::fetch));
  } else {
    run.selection = named_model(run);
    if (const std::string reason = refusal(run); !reason.empty())
      fail(ErrorKind::exhausted, "select: no model fits: {} {}", run.selection.name, reason);
  }
  eval::Answerer& model = run.answerer();
  const eval::Speed& speed = run.measured_speed();
  Json found = model.about();
  if (run.selection.entry != nullptr) found["licence"] = run.selection.entry->licence;
  found.update(choice);
  found.update({{"context", model.context()},
                {"bytes", run.selection.bytes},
                {"sha256", run.selection.hash},
                {"memory_bytes", model.memory_bytes(kUsualTokens)},
                {"machine", model.machine()},
                {"speed",
                 {{"prefill_tokens_per_second", speed.prefill_tokens_per_second},
                  {"decode_tokens_per_second", speed.decode_tokens_per_second}}}});
  return found;
}

Cost predict(Run& run) {
  Cost cost{.seconds = 2, .peak_bytes = 0, .what = {}, .notes = {}};
  if (is_auto(run.app)) {
    const Decision decision = decide(run, Absent::take_unseen);
    cost.peak_bytes = decision.choice().memory_bytes;
    cost.notes = notes_of_choice(told(run, decision));
  } else {
    run.selection = named_model(run);
    if (run.selection.entry != nullptr)
      cost.peak_bytes = planned_memory(*run.selection.entry, kUsualTokens);
  }
  const ModelFile& model = run.selection;
  if (run.model_is_here()) {
    if (const std::string reason = refusal(run); !reason.empty())
      fail(ErrorKind::exhausted, "select: no model fits: {} {}", model.name, reason);
    cost.peak_bytes = run.answerer().memory_bytes(kUsualTokens);
  } else if (model.bytes == 0) {
    cost.notes.push_back(
        fmt::format("{} is not on this computer; how large it is the hub tells when it is fetched",
                    model.name));
  }
  cost.what =
      model.bytes > 0 ? fmt::format("{}, {}", model.name, human_bytes(model.bytes)) : model.name;
  return cost;
}

/// What a model is known by before it is here: the hash of its file, or of what is pulled.
std::string identity(const hub::CatalogueEntry& entry) {
  return entry.repository ? sha256_hex(entry.repository->text()) : entry.sha256;
}
std::string identity(const ModelFile& model) {
  if (model.entry != nullptr) return identity(*model.entry);
  return model.pull.empty() ? model.hash : sha256_hex(model.pull);
}

/// The model that an artefact of this stage has chosen.
ModelFile recorded(Run& run, const Json& found) {
  if (!is_auto(run.app)) return named_model(run);
  return selection_of(run, *run.models.catalogue().find(found.at("chosen").get<std::string>()));
}

/// A hash of what has changed since a choice was made, though its key is the same: the hub's file
/// is another now, or models are here that could not be fetched then. "" if nothing has.
std::string changed_since(Run& run, const Json& found) {
  const ModelFile model = recorded(run, found);
  if (!model.hash.empty() && model.hash != found.at("sha256").get<std::string>()) return model.hash;
  std::string here;
  for (const Json& other : found.value("considered", Json::array())) {
    const auto* entry = run.models.catalogue().find(other.at("name").get<std::string>());
    if (other.contains("unreachable") && entry != nullptr && run.models.path_of(*entry))
      here += entry->name + " ";
  }
  return here.empty() ? "" : sha256_hex(here);
}

std::vector<Job> select_jobs(Run& run) {
  Job job{.id = "select", .name = "", .key = {}, .predict = {}, .make = {}};
  const AppFile& app = run.app;
  job.key = {"select",
             2,
             {{"base", is_auto(run.app) ? "auto" : "named"},
              {"language", app.language},
              {"max_memory", app.max_memory.value_or(0)},
              {"min_speed", app.min_speed.value_or(0)},
              {"licences", app.licences},
              {"compute", name_of(run.options.compute)}},
             {}};
  if (run.options.context > 0) job.key.parameters["context"] = run.options.context;
  if (is_auto(run.app)) {
    job.key.parameters["use_case"] = app.use_case;
    for (const Considered& model : considered(run))
      if (model.fits()) job.key.inputs.emplace(model.entry->name, identity(*model.entry));
  } else {
    run.selection = named_model(run);
    job.key.inputs.emplace("model", identity(run.selection));
  }
  if (const auto known = run.store.find(job.key.hex())) {
    const std::string changed = changed_since(run, known->meta);
    if (!changed.empty()) job.key.inputs.emplace("since", changed);
  }
  job.opens_model = true;
  job.predict = [&run] { return predict(run); };
  job.make = [&run](hub::Draft&) { return select(run); };
  return {std::move(job)};
}

void select_settle(Run& run) {
  const Json& found = run.artefact("select").meta;
  run.selection = recorded(run, found);
  run.selection.hash = found.at("sha256").get<std::string>();
  if (!run.model_is_here()) run.selection.bytes = found.at("bytes").get<std::uint64_t>();
  for (std::string& note : notes_of_choice(found)) run.notes.push_back(std::move(note));
}

}  // namespace

extern const Stage kSelect = {.name = "select",
                              .tables = {"model"},
                              .read = select_read,
                              .jobs = select_jobs,
                              .settle = select_settle};

}  // namespace pomona::lifecycle
