// report: report.html and report.json, the copy where the user finds them, and the alias.
#include "lifecycle/report.h"

#include "base/error.h"
#include "base/file.h"
#include "base/quote.h"
#include "base/toml_keys.h"
#include "lifecycle/outputs.h"

namespace pomona::lifecycle {
namespace {

/// [serve]
void report_read(const TomlTable& root, AppFile& app) {
  const TomlTable table = root.table("serve");
  app.alias = table.get<std::string>("alias", app.name);
  const bool is_printable = printable(app.alias, true) == app.alias;
  if (!is_printable || app.alias.empty() || app.alias.front() == '-' || app.alias.front() == '.' ||
      app.alias.find('/') != std::string::npos || app.alias.ends_with(".gguf"))
    table.reject("alias",
                 "\"{}\" is no name for a model: it must not be empty, start with - or .,"
                 " contain / or control characters, or end with .gguf",
                 printable(app.alias, true));
  if (const auto port = table.find<int>("port")) {
    app.port = ranged(table, "port", *port, 1, 65535);
    app.notes.push_back(fmt::format(
        "[serve] port {}: this version has no server yet, so nothing is served", *port));
  }
}

Json write_report(Run& run, hub::Draft& draft) {
  const Json report = report_json(run);
  write_file(draft.folder() / "report.json", report.dump(1) + "\n");
  write_file(draft.folder() / "report.html", report_html(report));
  for (const Method& method : run.methods) {
    if (method.training.is_null()) continue;
    const auto curves = method.training.at("curves").get<std::string>();
    write_file(draft.folder() / curves,
               read_file(run.artefact("tune " + method.name).folder / "curves.html"));
  }
  return Json::object();
}

/// Copies the report to its place unless the same is there.
void publish(const fs::path& from, const fs::path& to) {
  for (const auto& entry : fs::directory_iterator(from)) {
    const fs::path file = entry.path().filename();
    if (file.extension() != ".html" && file != "report.json") continue;
    const std::string text = read_file(entry.path());
    std::error_code ignored;
    if (!fs::exists(to / file, ignored) || read_file(to / file) != text)
      write_file(to / file, text);
  }
}

/// Whether another application, which is still there, has given this name to its result.
bool owned_by_another(const hub::Alias& alias, const std::string& app) {
  const std::string owner = alias.settings.value("app", app);
  std::error_code ignored;
  return owner != app && fs::exists(owner, ignored);
}

/// Lets every command use the promoted result by its name.
void set_alias(Run& run) {
  const Method& method = run.promoted();
  hub::Alias alias;
  alias.name = run.alias;
  alias.model = method.model.alias_of;
  alias.artefact = method.model.artefact;
  if (method.model.adapter) alias.adapter = method.model.adapter->artefact;
  alias.settings = to_json(method.recipe);
  alias.settings["method"] = method.name;
  alias.settings["max_new_tokens"] = run.app.max_new_tokens;
  const std::string app = fs::absolute(run.app.path).lexically_normal().string();
  alias.settings["app"] = app;
  alias.settings["aside"] = !run.options.set.empty();
  const auto known = run.models.find_alias(alias.name);
  if (known && known->model == alias.model && known->artefact == alias.artefact &&
      known->adapter == alias.adapter && known->settings == alias.settings)
    return;
  if (known && owned_by_another(*known, app))
    run.notes.push_back(fmt::format(
        "\"{}\" was the result of {} until now; another name in [serve] alias keeps both",
        alias.name, known->settings.at("app").get<std::string>()));
  run.models.set_alias(alias);
}

std::vector<Job> report_jobs(Run& run) {
  Job job{.id = "report", .name = "", .key = {}, .predict = {}, .make = {}};
  Json set = Json::array();
  for (const auto& [key, value] : run.options.set) set.push_back(key + "=" + value);
  job.key = {"report",
             4,
             {{"app", run.app.name},
              {"file", run.app.path.filename().string()},
              {"alias", run.alias},
              {"seed", run.app.seed},
              {"model", Json::array({run.selection.name, run.selection.title()})},
              {"set", std::move(set)},
              {"version", POMONA_VERSION}},
             {}};
  for (const auto& [id, artefact] : run.finished) {
    if (id != job.id) job.key.inputs.emplace(id, artefact.key);
  }
  job.predict = [] {
    return Cost{.seconds = 0.1, .peak_bytes = 0, .what = "report.html, report.json", .notes = {}};
  };
  job.make = [&run](hub::Draft& draft) { return write_report(run, draft); };
  return {std::move(job)};
}

void report_publish(Run& run) {
  const fs::path folder = report_folder(run.app, run.store.home(), run.options.set);
  publish(run.artefact("report").folder, folder);
  std::vector<std::string> keys;
  for (const auto& [id, artefact] : run.finished) keys.push_back(artefact.key);
  run.store.set_references(folder / "report.json", keys);
  if (!run.alias.empty()) set_alias(run);
}

}  // namespace

extern const Stage kReport = {.name = "report",
                              .tables = {"serve"},
                              .read = report_read,
                              .jobs = report_jobs,
                              .publish = report_publish};

}  // namespace pomona::lifecycle
