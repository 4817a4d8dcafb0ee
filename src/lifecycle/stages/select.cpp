// select: the model an application stands on. "auto" takes the largest model of the catalogue that
// knows the language and that memory, licences and speed allow.
#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/text.h"
#include "hub/model_path.h"
#include "hub/repository.h"
#include "lifecycle/app_keys.h"
#include "lifecycle/prompt_sizes.h"
#include "lifecycle/stage.h"
#include "tensor/arena.h"
#include "text/unicode.h"

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

bool looks_like_path(const fs::path& folder, const std::string& base) {
  std::error_code ignored;
  if (hub::parse_repository_name(base)) return fs::exists(folder / base, ignored);
  return base.find('/') != std::string::npos || base.ends_with(".gguf") ||
         fs::is_regular_file(folder / base / "config.json", ignored);
}

/// [model]
void select_read(const TomlTable& root, AppFile& app) {
  const TomlTable table = root.table("model");
  app.base = table.get<std::string>("base", "auto");
  if (app.base.empty()) table.reject("base", "is empty; expected a model, or \"auto\"");
  app.base_is_path = looks_like_path(app.folder, app.base);
  if (app.base_is_path) app.base = fs::absolute(app.folder / app.base).lexically_normal().string();
  if (const auto memory = table.find<std::string>("max_memory"))
    app.max_memory = parse_size(table, "max_memory", *memory);
  if (const auto speed = table.find<double>("min_speed"))
    app.min_speed = ranged(table, "min_speed", *speed, 0.0, 1e9);
  app.licences = table.get<std::vector<std::string>>("licences", {});
}

constexpr double kBatchGain = 4;  // a batch writes about so many times faster than one sequence

bool licence_allowed(const AppFile& app, std::string_view licence) {
  // SPDX: identifiers are the same in capitals and small letters.
  return app.licences.empty() ||
         std::any_of(app.licences.begin(), app.licences.end(), [&](const std::string& allowed) {
           return text::lower(allowed) == text::lower(licence);
         });
}

/// Memory that a model may take: what the application file allows; without that, for "auto", what
/// this computer has.
std::optional<std::uint64_t> memory_limit(const AppFile& app) {
  if (app.max_memory || app.base != "auto") return app.max_memory;
  return physical_memory_bytes();
}

/// Before a model is here: its file twice (as stored, and packed) and room to work in.
std::uint64_t guessed_memory(const hub::CatalogueEntry& entry) {
  return 2 * entry.bytes + 300'000'000;
}

ModelFile selection_of(Run& run, const hub::CatalogueEntry& entry) {
  run.models.has(entry);  // fails if another file lies there: its hash is that of the catalogue
  return {entry.name, run.models.place_of(entry), entry.sha256, entry.bytes, &entry, entry.name};
}

/// What "auto" would take, best first. Throws not_found if nothing fits, saying why each does not.
std::vector<ModelFile> candidates(Run& run) {
  const auto limit = memory_limit(run.app);
  std::vector<const hub::CatalogueEntry*> fitting;
  std::string refused;
  for (const hub::CatalogueEntry& entry : run.models.catalogue().entries()) {
    std::string reason;
    if (!entry.knows(run.app.language))
      reason = fmt::format("does not know language \"{}\"", run.app.language);
    else if (!licence_allowed(run.app, entry.licence))
      reason = fmt::format("licence {}", entry.licence);
    else if (limit && guessed_memory(entry) > *limit)
      reason = fmt::format("needs about {}", human_bytes(guessed_memory(entry)));
    if (reason.empty())
      fitting.push_back(&entry);
    else
      refused += fmt::format("{}{} ({})", refused.empty() ? "" : ", ", entry.name, reason);
  }
  if (fitting.empty())
    fail(ErrorKind::not_found,
         "select: no model of the catalogue fits [model]: {}; name one as base",
         refused.empty() ? "the catalogue is empty" : refused);
  std::stable_sort(fitting.begin(), fitting.end(),
                   [](const auto* a, const auto* b) { return a->parameters > b->parameters; });
  std::vector<ModelFile> list;
  for (const hub::CatalogueEntry* entry : fitting) list.push_back(selection_of(run, *entry));
  return list;
}

/// A model that the file names.
ModelFile named(Run& run) {
  const AppFile& app = run.app;
  if (!app.base_is_path) {
    if (const hub::CatalogueEntry* entry = run.models.catalogue().find(app.base)) {
      if (!licence_allowed(app, entry->licence))
        fail(ErrorKind::bad_argument, "select: {} has licence {}, [model] licences allows {}",
             entry->name, entry->licence, fmt::join(app.licences, ", "));
      return selection_of(run, *entry);
    }
  }
  const hub::ResolvedModel found = run.models.resolve(app.base);
  if (!found.base.empty()) {
    ModelFile selection = selection_of(run, *run.models.catalogue().find(found.base));
    selection.name = found.name;
    return selection;
  }
  const fs::path path = fs::absolute(found.path).lexically_normal();
  return {found.name, path,         run.hash_of_model(path), hub::model_bytes(path),
          nullptr,    path.string()};
}

std::vector<ModelFile> choices(Run& run) {
  if (run.app.base == "auto") return candidates(run);
  return {named(run)};
}

/// Why the selected model does not do; "" if it does.
std::string refusal(Run& run) {
  eval::Answerer& model = run.answerer();
  const std::string licence = model.about().at("licence").get<std::string>();
  if (run.selection.entry == nullptr && !licence_allowed(run.app, licence))
    return fmt::format("has {}, [model] licences allows {}",
                       licence.empty() ? "no licence in its file" : "licence " + licence,
                       fmt::join(run.app.licences, ", "));
  const auto limit = memory_limit(run.app);
  if (const std::uint64_t memory = model.memory_bytes(kUsualTokens); limit && memory > *limit)
    return fmt::format("needs {} of memory, {} {}", human_bytes(memory),
                       run.app.max_memory ? "[model] max_memory allows" : "this computer has",
                       human_bytes(*limit));
  if (!run.app.min_speed) return "";
  const double speed = run.measured_speed().decode_tokens_per_second / kBatchGain;
  if (speed >= *run.app.min_speed) return "";
  return fmt::format("writes {:.0f} tokens a second here, [model] min_speed wants {:.0f}", speed,
                     *run.app.min_speed);
}

enum class Absent { fetch, take_unseen };

/// Selects the first of the models that does, and returns which one that is. Throws exhausted if
/// none does.
std::size_t choose(Run& run, const std::vector<ModelFile>& list, Absent absent) {
  std::string refused;
  for (std::size_t i = 0; i < list.size(); ++i) {
    run.selection = list[i];
    if (absent == Absent::take_unseen && !run.model_is_here()) return i;
    const std::string reason = refusal(run);
    if (reason.empty()) return i;
    refused += fmt::format("{}{} {}", refused.empty() ? "" : "; ", list[i].name, reason);
  }
  fail(ErrorKind::exhausted, "select: no model fits: {}", refused);
}

std::string why(const Run& run, std::size_t choice, std::size_t count) {
  if (run.app.base != "auto") return "named in the application file";
  std::string limits = fmt::format("knows language \"{}\"", run.app.language);
  if (run.app.max_memory) limits += fmt::format(", fits into {}", human_bytes(*run.app.max_memory));
  if (!run.app.licences.empty())
    limits += fmt::format(", has licence {}", run.selection.entry->licence);
  return fmt::format("largest of the catalogue that {} ({} of {} that could)", limits, choice + 1,
                     count);
}

Json select(Run& run) {
  const std::vector<ModelFile> list = choices(run);
  const std::size_t choice = choose(run, list, Absent::fetch);
  eval::Answerer& model = run.answerer();
  const eval::Speed& speed = run.measured_speed();
  Json found = model.about();
  if (run.selection.entry != nullptr) found["licence"] = run.selection.entry->licence;
  found.update({{"why", why(run, choice, list.size())},
                {"context", model.context()},
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
  choose(run, choices(run), Absent::take_unseen);
  const bool here = run.model_is_here();
  return {.seconds = 2,
          .peak_bytes = here ? run.answerer().memory_bytes(kUsualTokens)
                             : guessed_memory(*run.selection.entry),
          .what = fmt::format("{}, {}", run.selection.name, human_bytes(run.selection.bytes)),
          .notes = {}};
}

std::vector<Job> select_jobs(Run& run) {
  const std::vector<ModelFile> list = choices(run);
  run.selection = list.front();
  Job job{.id = "select", .name = "", .key = {}, .predict = {}, .make = {}};
  const AppFile& app = run.app;
  job.key = {"select",
             1,
             {{"base", app.base == "auto" ? "auto" : "named"},
              {"language", app.language},
              {"max_memory", app.max_memory.value_or(0)},
              {"min_speed", app.min_speed.value_or(0)},
              {"licences", app.licences},
              {"compute", name_of(run.options.compute)}},
             {}};
  for (std::size_t i = 0; i < list.size(); ++i)
    job.key.inputs.emplace(fmt::format("{} {}", i, list[i].entry ? list[i].entry->name : "model"),
                           list[i].hash);
  job.opens_model = true;
  job.predict = [&run] { return predict(run); };
  job.make = [&run](hub::Draft&) { return select(run); };
  return {std::move(job)};
}

void select_settle(Run& run) {
  const std::string sha256 = run.artefact("select").meta.at("sha256").get<std::string>();
  for (ModelFile& choice : choices(run)) {
    if (choice.hash == sha256) run.selection = std::move(choice);
  }
}

}  // namespace

extern const Stage kSelect = {.name = "select",
                              .tables = {"model"},
                              .read = select_read,
                              .jobs = select_jobs,
                              .settle = select_settle};

}  // namespace pomona::lifecycle
