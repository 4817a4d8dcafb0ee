// The stage graph of `run`: a stage is one file in stages/ and one line in stages.cpp. It offers
// jobs; each makes one artefact, known by the hash of what it is made from before it runs, so what
// is there already is not made again.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eval/answerer.h"
#include "eval/runner.h"
#include "hub/artefact_store.h"
#include "hub/file_hashes.h"
#include "hub/model_store.h"
#include "lifecycle/app_file.h"
#include "lifecycle/data.h"
#include "lifecycle/prompts.h"
#include "lifecycle/run.h"

namespace pomona::lifecycle {

enum class Split { train, valid, test };
std::string_view name_of(Split split);

/// The model of a run, as `select` chose it.
struct Selection {
  std::string name;      // catalogue name, alias, or the path as given
  std::string alias_of;  // what an alias of the result is to stand on: catalogue name or path
  fs::path path;         // where its file is, or will be
  std::string sha256;
  std::uint64_t bytes = 0;
  const hub::CatalogueEntry* entry = nullptr;  // null outside the catalogue
};

/// A way to use the model that evaluation compares: made by earlier stages, scored by `evaluate`.
struct Method {
  std::string name;
  std::int64_t shots = 0;
};

/// Speed of the selected model and where the figure comes from.
struct KnownSpeed {
  eval::Speed speed;
  std::string source;  // "measured earlier", "measured", "estimated"
};

/// What the stages of one run share. Expensive things are made at their first use.
class Run {
 public:
  Run(const AppFile& app, const RunOptions& options, ProgressSink& progress, const StopToken& stop);

  const AppFile& app;
  const RunOptions& options;
  ProgressSink& progress;
  const StopToken& stop;
  hub::ModelStore models;
  hub::ArtefactStore store;

  /// Set by `select`.
  Selection selection;
  /// The artefact of each finished job, by Job::id.
  std::map<std::string, hub::Artefact> finished;
  std::vector<std::string> notes;

  std::vector<Method> methods() const;
  /// The splits that this run evaluates.
  std::vector<Split> splits() const;

  const fs::path& file_of(Split split) const;
  /// SHA-256 of the split's file when this run first looked at it: what is keyed by it was made
  /// from rows() of that very file.
  const std::string& hash_of(Split split);
  /// Checked rows, at most [evaluate] limit of them (train: all). Throws io if the file has changed
  /// since hash_of() looked at it.
  const std::vector<Row>& rows(Split split);
  /// How many the file has.
  std::size_t rows_in_file(Split split);
  /// The prompts of a method.
  PromptRecipe recipe(const Method& method);
  /// What `recipe` is made from, for keys.
  Json recipe_parameters(const Method& method);

  std::string hash_of_file(const fs::path& path) { return hashes_.sha256(path); }

  /// The selected model, opened. Its file must be there.
  eval::Answerer& answerer();
  bool model_is_here() const;
  /// Measured by `select`, else measured now if the model is here, else estimated from its size.
  const KnownSpeed& speed();

  const hub::Artefact& artefact(const std::string& job) const;

 private:
  hub::FileHashes hashes_;
  std::map<Split, std::string> split_hashes_;
  std::map<Split, Rows> rows_;
  std::unique_ptr<eval::Answerer> answerer_;
  fs::path opened_;
  std::optional<KnownSpeed> speed_;
};

/// What a job will take.
struct Cost {
  double seconds = 0;
  std::uint64_t download_bytes = 0;
  std::uint64_t peak_bytes = 0;
  std::string what;  // for people
};

struct Job {
  std::string id;    // unique in the run: "evaluate 4-shot on test"
  std::string name;  // within its stage: "4-shot on test"; empty for the stage's only job
  hub::ArtefactKey key;
  std::function<Cost()> predict;
  /// Makes the artefact in the draft, which may hold what an earlier attempt finished; returns its
  /// meta data.
  std::function<Json(hub::Draft&)> make;
};

struct Stage {
  std::string_view name;
  /// The stage's jobs in the order of running; the last one's artefact is the stage's. Called when
  /// all earlier stages are done, or, for a plan, when they are planned.
  std::vector<Job> (*jobs)(Run&);
  /// Puts into the run what later stages need of the finished artefacts; null if nothing. Also
  /// called when all were cached.
  void (*settle)(Run&) = nullptr;
};

/// All stages in the order of the life of an application.
std::span<const Stage> stages();

}  // namespace pomona::lifecycle
