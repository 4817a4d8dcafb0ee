// Repositories of the hub: their names, what files they have, and which of these make a model.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/progress.h"
#include "hub/home.h"

namespace pomona::hub {

/// org/name, org/name@revision, org/name:file.gguf, org/name@revision:folder/file.gguf
struct RepositoryName {
  std::string repo;               // "org/name"
  std::string revision = "main";  // branch, tag or commit
  std::string file;               // empty: the repository's model, whichever it is

  /// As the user types it.
  std::string text() const;
  /// The same for one of its files.
  std::string with_file(std::string_view name) const;
  /// Its folder's name in the store: "org--name", "org--name@revision". (The hub allows no "--" in
  /// names.)
  std::string folder() const;
};

/// nullopt if it is no such name, e.g. a path that begins with a dot or a slash or ends with .gguf.
std::optional<RepositoryName> parse_repository_name(std::string_view text);

/// The repository whose folder in the store has this name; nullopt if none can.
std::optional<RepositoryName> repository_of_folder(std::string_view folder);

/// A file of a repository as the hub lists it.
struct RemoteFile {
  std::string path;
  std::uint64_t bytes = 0;
  std::string sha256;    // of a big file, that Git LFS keeps; else empty
  std::string git_name;  // of any other: see git_blob_name
};

/// All files of a repository that a model may be in, sorted; hidden ones are none of these. Throws
/// what fail_refused tells, network, bad_file (no list), cancelled.
std::vector<RemoteFile> list_repository(const RepositoryName& name, const StopToken& stop);

/// The files to fetch for a model, in this order. Weights come last, so that a folder with all of
/// them is whole; an index of weights stands for the files that it names, which
/// add_shards appends once the index is here.
struct Selection {
  std::vector<RemoteFile> files;
  /// The GGUF file that is the model (its first part); empty: it is the folder.
  std::string gguf;
  /// The index among the files, if there is one.
  std::string index;
};

/// Throws not_found for a file that is not listed, bad_argument for a choice that the user has to
/// make, unsupported if there is no model that Pomona reads.
Selection select_files(const RepositoryName& name, const std::vector<RemoteFile>& listed);

/// Appends the files that the index `text` names. Throws bad_file.
void add_shards(const RepositoryName& name, std::string_view text,
                const std::vector<RemoteFile>& listed, Selection& selection);

}  // namespace pomona::hub
