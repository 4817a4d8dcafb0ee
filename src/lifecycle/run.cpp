#include "lifecycle/run.h"

#include <algorithm>

#include "base/clock.h"
#include "base/text.h"
#include "lifecycle/outputs.h"
#include "lifecycle/stage.h"

namespace pomona::lifecycle {
namespace {

/// The artefact of a job, made if it is not there.
hub::Artefact obtain(Run& run, const Job& job, bool& made) {
  run.stop.check("run");
  hub::Claim claim = run.store.claim(job.key, run.progress, run.stop);
  if (claim.artefact) return std::move(*claim.artefact);
  made = true;
  const Stopwatch watch;
  Json meta = job.make(*claim.draft);
  return claim.draft->commit(watch.seconds(), std::move(meta));
}

/// The faults of an application file that only the store knows.
void check_alias(const Run& run) {
  if (run.models.catalogue().find(run.app.alias) == nullptr) return;
  const bool set = std::ranges::any_of(
      run.options.set, [](const auto& assignment) { return assignment.first == "serve.alias"; });
  fail(ErrorKind::bad_argument,
       "{}: [serve] alias: \"{}\" is the name of a model in the catalogue; choose another",
       set ? "--set serve.alias=" + run.app.alias : run.app.path.string(), run.app.alias);
}

Error interrupted(const Stage& stage) {
  return {ErrorKind::cancelled,
          fmt::format("run: interrupted in the stage {}; what is finished is kept, and the same "
                      "command goes on from there",
                      stage.name)};
}

/// What `training` tells of a method.
Json training_of(const Method& method) {
  Json told = method.training;
  told["method"] = method.name;
  told["trainable_parameters"] = method.trainable_parameters;
  told["forgetting"] = method.forgetting;
  return told;
}

/// Runs the stages; on a failure says so in the outcome and goes no further.
void run_stages(Run& run, RunOutcome& outcome) {
  for (const Stage* stage : stages()) {
    StageOutcome& now = outcome.stages.emplace_back();
    now.name = stage->name;
    const Stopwatch watch;
    try {
      run_stage(run, *stage, now);
    } catch (const Error& error) {
      now.status = "failed";
      now.artefact.clear();
      outcome.failure = error.kind() == ErrorKind::cancelled ? interrupted(*stage) : error;
    }
    now.seconds = watch.seconds();
    if (outcome.failure) return;
    if (now.artefact.empty()) outcome.stages.pop_back();
  }
}

/// Adds what a job that is not cached will take, and the download if it is the first to open a
/// model that is not here.
void predict(Run& run, const Job& job, const RunPlan& plan, PlannedJob& planned) {
  Cost cost = job.predict();
  planned.seconds = cost.seconds;
  planned.peak_bytes = cost.peak_bytes;
  planned.disk_bytes = cost.disk_bytes;
  planned.what = std::move(cost.what);
  run.notes.insert(run.notes.end(), cost.notes.begin(), cost.notes.end());
  if (!job.opens_model || run.model_is_here() || plan.download_bytes > 0) return;
  constexpr double kBytesPerSecond = 5e6;
  planned.bytes = run.selection.bytes;
  planned.seconds += static_cast<double>(planned.bytes) / kBytesPerSecond;
  planned.what += planned.bytes > 0
                      ? fmt::format("; fetches {} at 5 MB a second", human_bytes(planned.bytes))
                      : "; fetches it";
}

void plan_stage(Run& run, const Stage& stage, RunPlan& plan) {
  bool all_cached = true;
  for (const Job& job : stage.jobs(run)) {
    run.stop.check("run --plan");
    PlannedJob planned;
    planned.stage = stage.name;
    planned.job = job.name;
    if (auto artefact = run.store.find(job.key.hex())) {
      planned.artefact = artefact->key;
      run.finished.insert_or_assign(job.id, std::move(*artefact));
    } else {
      all_cached = false;
      predict(run, job, plan, planned);
    }
    plan.seconds += planned.seconds;
    plan.download_bytes += planned.bytes;
    plan.disk_bytes += planned.disk_bytes;
    plan.peak_bytes = std::max(plan.peak_bytes, planned.peak_bytes);
    plan.jobs.push_back(std::move(planned));
  }
  if (all_cached && stage.settle != nullptr) stage.settle(run);
}

}  // namespace

void run_stage(Run& run, const Stage& stage, StageOutcome& outcome) {
  bool made = false;
  const std::vector<Job> jobs = stage.jobs(run);
  for (const Job& job : jobs) {
    hub::Artefact artefact = obtain(run, job, made);
    outcome.artefact = artefact.key;
    run.finished.insert_or_assign(job.id, std::move(artefact));
  }
  if (stage.settle != nullptr) stage.settle(run);
  if (stage.publish != nullptr) stage.publish(run);
  outcome.status = made ? "done" : "cached";
  if (!made && !jobs.empty()) run.progress.note(fmt::format("{}: nothing changed", stage.name));
}

RunOutcome run_application(const fs::path& app_toml, const RunOptions& options,
                           ProgressSink& progress, const StopToken& stop,
                           const std::string& program) {
  const AppFile app = read_app_file(app_toml, options.set);
  Run run(app, options, progress, stop);
  check_alias(run);
  RunOutcome outcome;
  run_stages(run, outcome);
  outcome.notes = run.notes;
  if (outcome.failure) return outcome;
  const Json& compared = run.artefact("evaluate").meta;
  const fs::path folder = report_folder(app, options.home, options.set);
  outcome.report_html = folder / "report.html";
  outcome.report_json = folder / "report.json";
  outcome.promoted = compared.at("promoted").get<std::string>();
  outcome.why = compared.at("why").get<std::string>();
  outcome.result = result_line(compared);
  for (const Method& method : run.methods) {
    if (!method.training.is_null()) outcome.training.push_back(training_of(method));
  }
  outcome.compression = run.compression;
  outcome.uncompressed = run.uncompressed;
  outcome.alias = run.alias;
  if (!outcome.alias.empty())
    outcome.next.push_back(fmt::format("{} chat {}", program, shell_word(outcome.alias)));
  outcome.next.push_back(fmt::format("{} init your-data.csv", program));
  outcome.next.push_back(fmt::format("{} run {} --plan", program, shell_word(app.path.string())));
  if (options.require_gate && outcome.promoted == run.methods.front().name)
    outcome.failure = Error(ErrorKind::gate, "run: the gate stays closed: " + outcome.why);
  return outcome;
}

std::vector<std::string> RunOutcome::lines() const {
  std::vector<std::string> lines;
  for (const std::string& note : notes) lines.push_back("Note    " + note);
  if (report_html.empty()) return lines;
  lines.push_back(fmt::format("Report  file://{}", report_html.string()));
  lines.push_back("Result  " + result);
  if (!training.empty())
    lines.push_back(fmt::format("Tuned   {}", fmt::join(training_lines(training), "\n        ")));
  if (!compression.empty())
    lines.push_back(fmt::format(
        "Types   {}", fmt::join(compression_lines(uncompressed, compression), "\n        ")));
  lines.push_back(
      alias.empty()
          ? fmt::format("Model   {}: {}; a run with --set leaves the name to the whole one",
                        promoted, why)
          : fmt::format("Model   {} = {}: {}", alias, promoted, why));
  lines.push_back(fmt::format("Next    {}", fmt::join(next, "\n        ")));
  return lines;
}

Json RunOutcome::to_json() const {
  Json json = {{"report_html", report_html.string()}, {"report_json", report_json.string()}};
  json["stages"] = Json::array();
  for (const StageOutcome& stage : stages)
    json["stages"].push_back({{"name", stage.name},
                              {"status", stage.status},
                              {"seconds", stage.seconds},
                              {"artefact", stage.artefact}});
  json["promoted"] = {{"method", promoted}, {"why", why}};
  json["result"] = result;
  json["compression"] = compression;
  json["training"] = training;
  json["alias"] = alias;
  json["notes"] = notes;
  return json;
}

RunPlan plan_application(const fs::path& app_toml, const RunOptions& options,
                         ProgressSink& progress, const StopToken& stop) {
  const AppFile app = read_app_file(app_toml, options.set);
  Run run(app, options, progress, stop);
  check_alias(run);
  RunPlan plan;
  for (const Stage* stage : stages()) plan_stage(run, *stage, plan);
  if (plan.seconds > 0) plan.speed = run.speed().source;
  plan.notes = run.notes;
  return plan;
}

std::vector<std::string> RunPlan::lines() const {
  std::vector<std::string> lines;
  for (const PlannedJob& job : jobs) {
    const std::string name = job.job.empty() ? job.stage : job.stage + " " + job.job;
    lines.push_back(fmt::format("{:<28} {:>11}  {:>8}  {}", name,
                                job.cached() ? "cached" : "~ " + human_duration(job.seconds),
                                job.peak_bytes > 0 ? human_bytes(job.peak_bytes) : "", job.what));
    while (lines.back().ends_with(' ')) lines.back().pop_back();
  }
  if (seconds <= 0) {
    lines.push_back("Nothing to do: everything is there already.");
  } else {
    const std::string download =
        download_bytes > 0 ? fmt::format(", with {} to download", human_bytes(download_bytes)) : "";
    const std::string disk =
        disk_bytes > 0 ? fmt::format(", {} of disk", human_bytes(disk_bytes)) : "";
    const bool guessed = speed == "estimated";
    const std::string memory = peak_bytes > 0
                                   ? fmt::format(", {} {} of memory", guessed ? "from" : "at most",
                                                 human_bytes(peak_bytes))
                                   : "";
    lines.push_back(
        fmt::format("About {}{}{}{} ({}).", human_duration(seconds), download, memory, disk,
                    guessed ? "estimates: the model is not here yet" : "speed " + speed));
  }
  for (const std::string& note : notes) lines.push_back("Note    " + note);
  return lines;
}

Json RunPlan::to_json() const {
  Json json = {{"report_html", nullptr}, {"report_json", nullptr}};
  json["stages"] = Json::array();
  for (const PlannedJob& job : jobs)
    json["stages"].push_back({{"name", job.stage},
                              {"job", job.job},
                              {"status", job.cached() ? "cached" : "planned"},
                              {"seconds", job.seconds},
                              {"artefact", job.cached() ? Json(job.artefact) : Json(nullptr)},
                              {"bytes", job.bytes},
                              {"peak_bytes", job.peak_bytes},
                              {"disk_bytes", job.disk_bytes},
                              {"what", job.what}});
  json["promoted"] = nullptr;
  json["seconds"] = seconds;
  json["download_bytes"] = download_bytes;
  json["peak_bytes"] = peak_bytes;
  json["disk_bytes"] = disk_bytes;
  json["speed"] = speed;
  json["notes"] = notes;
  return json;
}

}  // namespace pomona::lifecycle
