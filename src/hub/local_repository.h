// What is on this computer of a repository of the hub, in Pomona's store or in the hub's own cache.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "hub/repository.h"

namespace pomona::hub {

struct LocalRepository {
  RepositoryName name;  // without a file
  fs::path folder;
  /// Whether it lies in the hub's cache, which is for reading only.
  bool cached = false;

  /// Whether the folder itself is a model, with every file of its weights.
  bool is_folder_model = false;
  /// Whole GGUF models below the folder, sorted: relative paths, of a split one the first part.
  std::vector<std::string> gguf;
  /// What keeps other models here from being whole, e.g. "model-00002-of-00002.safetensors is
  /// missing"; empty: nothing.
  std::string lacking;

  bool has_model() const { return is_folder_model || !gguf.empty(); }
  /// Whether path_of would not throw not_found.
  bool holds(const RepositoryName& wanted) const;
  /// The path of the model that `wanted` names: the folder, or a GGUF file. Throws not_found (also
  /// for one that is not whole) or bad_argument for a choice that the user has to make, with what
  /// to do.
  fs::path path_of(const RepositoryName& wanted) const;
};

/// Looks at the files below `folder` (hidden ones, and those of an unfinished pull, do not count).
LocalRepository look_at(const RepositoryName& name, const fs::path& folder);

/// The repositories in the store, by the names of their folders.
std::vector<LocalRepository> stored_repositories(const Home& home);
std::optional<LocalRepository> find_stored(const Home& home, const RepositoryName& name);

/// The hub's cache: $HF_HUB_CACHE, else $HUGGINGFACE_HUB_CACHE, else hub in the hub's home.
/// Layout: models--ORG--NAME/refs/REVISION holds a commit, snapshots/COMMIT/ its files.
std::optional<fs::path> hub_cache();

/// The repositories in the hub's cache that hold a model at revision main.
std::vector<LocalRepository> cached_repositories();
std::optional<LocalRepository> find_cached(const RepositoryName& name);

/// A big file of a repository in the hub's cache, at whatever revision it has this hash: its link
/// leads to blobs/SHA256.
std::optional<fs::path> find_cached_file(std::string_view repo, const fs::path& file,
                                         std::string_view sha256);

}  // namespace pomona::hub
