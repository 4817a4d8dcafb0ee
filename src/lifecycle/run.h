// `pomona run`: an application file's stages, each done once, then the report.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/progress.h"
#include "eval/answerer.h"
#include "hub/home.h"
#include "train/tune.h"

namespace pomona::lifecycle {

namespace fs = std::filesystem;

inline constexpr Compute kDefaultCompute = Compute::fast;

struct RunOptions {
  /// `--set key=value`, in order; the keys as in the application file ("evaluate.limit").
  std::vector<std::pair<std::string, std::string>> set;
  /// A run whose promoted method is zero-shot ends with kind gate.
  bool require_gate = false;
  int threads = 0;  // 0: all that this process may use
  Compute compute = kDefaultCompute;
  std::int64_t context =
      0;  // tokens that the model is loaded for; 0: as many as it takes unstretched
  hub::Home home = hub::Home();
  /// Opens the model; tests put a small fake here.
  eval::AnswererFactory open_model = eval::open_answerer;
  /// Trains, and foresees what that takes; tests put something quick here.
  std::function<Json(const train::RunFile&, bool resume, ProgressSink&, const StopToken&)> tune =
      train::tune;
  std::function<Json(const train::RunFile&, const StopToken&)> foresee_tune = train::foresee_tune;
};

struct StageOutcome {
  std::string name;      // "evaluate"
  std::string status;    // "done", "cached", "failed"
  double seconds = 0;    // spent on it in this run
  std::string artefact;  // key of the stage's artefact; empty if it failed
};

struct RunOutcome {
  std::vector<StageOutcome> stages;
  fs::path report_html, report_json;  // empty if no report was made
  std::string promoted, why;          // "4-shot", a sentence
  std::string result;                 // "zero-shot 18.2, one-shot 17.1 ROUGE-1 (n = 104, ...)"
  Json compression = Json::array();   // as in report.json
  Json training = Json::array();      // of each tuned method: `method` and as in report.json
  Json uncompressed;
  std::string alias;               // MODEL name of the promoted result; empty if it got none
  std::vector<std::string> next;   // commands to try, most useful first
  std::vector<std::string> notes;  // what should not be missed
  /// What ended the run early (with kind cancelled for a stop), or the closed gate: for exit code
  /// and message. All that was finished stays and is used by the next run.
  std::optional<Error> failure;

  /// "Report  file://...", "Next    ..." and notes, a line each, for people.
  std::vector<std::string> lines() const;
  /// `report_html`, `report_json`, `stages`, `promoted` (contract.md), and `result`, `alias`,
  /// `compression`, `training`, `notes`.
  Json to_json() const;
};

/// Runs what is not there yet. `program` is how the user started Pomona ("./pomona"), for the
/// commands that are suggested. Errors of the application file are thrown (bad_argument,
/// unsupported, not_found for the file itself); what goes wrong later is in `failure`.
RunOutcome run_application(const fs::path& app_toml, const RunOptions& options,
                           ProgressSink& progress, const StopToken& stop,
                           const std::string& program = "pomona");

struct PlannedJob {
  std::string stage;             // "evaluate"
  std::string job;               // "4-shot on test"; empty for the stage's only job
  std::string artefact;          // its key if it is there already, else empty
  double seconds = 0;            // predicted; 0 if cached
  std::uint64_t bytes = 0;       // to download
  std::uint64_t peak_bytes = 0;  // memory while it runs
  std::uint64_t disk_bytes = 0;  // that it keeps beside a download, where that is worth telling
  std::string what;              // "104 rows, about 230 prompt tokens each"

  bool cached() const { return !artefact.empty(); }
};

struct RunPlan {
  std::vector<PlannedJob> jobs;
  double seconds = 0;
  std::uint64_t download_bytes = 0, peak_bytes = 0, disk_bytes = 0;
  /// Where the speed comes from: "measured", "estimated".
  std::string speed;
  std::vector<std::string> notes;

  /// A table for people, a line each.
  std::vector<std::string> lines() const;
  /// As of a run (contract.md), `report_html`, `report_json` and `promoted` being null: `stages`
  /// [`name`, `job`, `status` ("cached" or "planned"), `seconds`, `artefact` (null unless cached),
  /// `bytes`, `peak_bytes`, `disk_bytes`, `what`]; and `seconds`, `download_bytes`, `peak_bytes`,
  /// `disk_bytes`, `speed`, `notes`.
  Json to_json() const;
};

/// `--plan`: what run_application would do, with time and memory; makes and fetches nothing. Throws
/// what a run would throw or fail with before its first long computation (data are checked, and the
/// lengths of prompts if the model is here). Of several models that "auto" may take, one that is
/// not here is taken to do.
RunPlan plan_application(const fs::path& app_toml, const RunOptions& options,
                         ProgressSink& progress, const StopToken& stop);

}  // namespace pomona::lifecycle
