// The stage graph of `run`: a stage is one file in stages/ and one line in stages.cpp. It offers
// jobs; each makes one artefact, known by the hash of what it is made from before it runs, so what
// is there already is not made again. Stages that prepare a model or its prompts contribute
// methods, which `evaluate` compares whatever they are made of.
#pragma once
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/toml.h"
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

/// What a stage has learnt beside a model that stays as it is.
struct AdapterFile {
  std::string artefact;  // the key of the one whose folder hub::kAdapterFolder holds it
  fs::path path;
  std::uint64_t bytes = 0;
  /// Low-rank changes of weights, which can be merged into them; else virtual tokens, which no
  /// weight holds.
  bool changes_weights = false;
};

/// A model that a run uses: the one that `select` chose, or one that a stage makes of it.
struct ModelFile {
  std::string name;  // catalogue name, alias, repository, or the path as given
  fs::path path;  // where the file is, or will be; empty: the hub's repository tells when fetched
  /// SHA-256 of the file, or the key of the artefact that holds it; empty: as the path.
  std::string hash;
  std::uint64_t bytes = 0;
  const hub::CatalogueEntry* entry = nullptr;  // null outside the catalogue
  /// What an alias stands on: a catalogue name, a repository of the hub, or a path, relative to the
  /// artefact if there is one.
  std::string alias_of = {};
  std::string pull = {};  // what to pull where it is not here; empty: it cannot be
  std::optional<std::string> artefact = {};  // key of the artefact that holds it
  std::optional<AdapterFile> adapter = {};   // answers with it

  /// For people: the catalogue's title, or the file's name.
  std::string title() const;
  /// A hash of all that its answers depend on: its own, or of it and its adapter.
  std::string identity() const;
};

/// A way to get answers that evaluation compares, and what it costs beyond the answers themselves.
struct Method {
  std::string name;  // "4-shot"
  ModelFile model;
  PromptRecipe recipe;
  std::int64_t trainable_parameters = 0;
  /// Rise of the mean loss on general text, in nats a token; a prompt leaves it as it is.
  double forgetting = 0;
  /// What training it took, as report.json tells it; null for prompts.
  Json training = {};
};

/// Speed of the selected model and where the figure comes from.
struct KnownSpeed {
  eval::Speed speed;
  std::string source;  // "measured", "estimated"
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

  /// The name that the promoted result gets; empty if it gets none.
  const std::string alias;
  /// Set by `select`.
  ModelFile selection;
  /// What the stages so far have contributed; the first is the one that others are compared with.
  std::vector<Method> methods;
  /// Rows of report.json's `compression`, and the promoted model as it is, measured in the same way
  /// (null if nothing was compressed).
  Json compression = Json::array(), uncompressed;
  /// The artefact of each finished job, by Job::id.
  std::map<std::string, hub::Artefact> finished;
  std::vector<std::string> notes;

  const Method& method(std::string_view name) const;
  /// What `evaluate` promoted; for a plan before that, the last method, which tends to take
  /// longest.
  const Method& promoted() const;
  /// The splits that this run evaluates: valid too if there are methods to choose from.
  std::vector<Split> splits() const;

  const fs::path& file_of(Split split) const;
  /// SHA-256 of the split's file when this run first looked at it: what is keyed by it was made
  /// from rows() of that very file.
  const std::string& hash_of(Split split);
  /// Checked rows, at most [evaluate] limit of them (train: all). Throws io if the file has changed
  /// since hash_of() looked at it.
  const std::vector<Row>& rows(Split split);
  /// The same of all rows, whatever the limit.
  std::vector<Row> all_rows(Split split);
  /// How many the file has.
  std::size_t rows_in_file(Split split);
  /// SHA-256 of a model file; for a folder, of its files' names and hashes.
  std::string hash_of_model(const fs::path& path);

  /// A model, opened; one at a time. Fetched first if it is not here and can be pulled. Throws
  /// bad_file if what is fetched then is not what the model's hash says.
  eval::Answerer& answerer(const ModelFile& model);
  /// The selected one; what is only known of it once it is fetched is filled in.
  eval::Answerer& answerer();
  /// Frees the memory of the opened model, for work that needs it.
  void close();
  bool model_is_here() const;
  bool is_here(const ModelFile& model) const;
  /// The model, fetched if it is not here and can be pulled.
  ModelFile here(ModelFile model);
  /// Speed of the selected model on this computer, measured once.
  const eval::Speed& measured_speed();
  /// What `select` measured, if with these threads and instructions; else measured now if the model
  /// is here, else estimated from its size.
  const KnownSpeed& speed();

  const hub::Artefact& artefact(const std::string& job) const;

 private:
  hub::FileHashes hashes_;
  std::map<Split, std::string> split_hashes_;
  std::map<Split, Rows> rows_;
  Rows read(Split split, std::optional<std::size_t> limit);
  void fetch(ModelFile& model);
  std::unique_ptr<eval::Answerer> answerer_;
  std::string opened_;  // what was opened: a path, or what was pulled, and its adapter
  std::optional<eval::Speed> measured_;  // of the opened model
  std::optional<KnownSpeed> speed_;
};

/// What a job will take.
struct Cost {
  double seconds = 0;
  std::uint64_t peak_bytes = 0;
  std::string what;                // for people
  std::vector<std::string> notes;  // what a run would note when it has made it
  std::uint64_t disk_bytes = 0;    // that the artefact keeps, where that is worth telling
};

struct Job {
  std::string id;    // unique in the run: "evaluate 4-shot on test"
  std::string name;  // within its stage: "4-shot on test"; empty for the stage's only job
  hub::ArtefactKey key;
  bool opens_model = false;  // the selected one, which may have to be fetched for that
  /// For a plan. Throws what making it would throw, as far as that can be known in a second.
  std::function<Cost()> predict;
  /// Makes the artefact in the draft, which may hold what an earlier attempt finished; returns its
  /// meta data.
  std::function<Json(hub::Draft&)> make;
};

struct Stage {
  std::string_view name;
  /// Its own tables of the application file.
  std::array<std::string_view, 2> tables = {};
  /// Reads and checks them into fields of their own; null if there are none. Tables of earlier
  /// stages have been read.
  void (*read)(const TomlTable& root, AppFile& app) = nullptr;
  /// The stage's jobs in the order of running; the last one's artefact is the stage's. Also adds to
  /// the run what methods they make: the key of a job tells where its model will be. Called once,
  /// when all earlier stages are done, or, for a plan, when they are planned. None: the application
  /// file asks nothing of the stage, and nothing is told of it.
  std::vector<Job> (*jobs)(Run&) = nullptr;
  /// Puts into the run what later stages need of the finished artefacts, and notes; null if
  /// nothing. Also called when all were cached, and by a plan then.
  void (*settle)(Run&) = nullptr;
  /// What the stage does outside of the artefacts, in each run that comes here; null if nothing.
  void (*publish)(Run&) = nullptr;
};

/// Makes what is not there yet of a stage, and says so in the outcome.
void run_stage(Run& run, const Stage& stage, StageOutcome& outcome);

/// All stages in the order of the life of an application.
std::span<const Stage* const> stages();

}  // namespace pomona::lifecycle
