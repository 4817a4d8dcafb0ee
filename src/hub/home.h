// Where Pomona keeps what it makes and fetches: $POMONA_HOME, else $XDG_DATA_HOME/pomona, else
// ~/.local/share/pomona (XDG Base Directory Specification 0.8).
#pragma once
#include <cstdint>
#include <filesystem>
#include <string_view>

#include "db/database.h"

namespace pomona::hub {

namespace fs = std::filesystem;

/// The layout below the home folder. Nothing is made before somebody writes.
class Home {
 public:
  /// From the environment. Throws bad_argument if no variable tells where, or a relative path does.
  Home();
  explicit Home(fs::path root);

  const fs::path& root() const { return root_; }
  fs::path models() const { return root_ / "models"; }
  fs::path user_catalogue() const { return root_ / "models.d"; }
  fs::path artefacts() const { return root_ / "artefacts"; }
  /// The folder of an artefact with a key of 64 hexadecimal digits.
  fs::path artefact(std::string_view key) const {
    return artefacts() / key.substr(0, 2) / key.substr(2);
  }
  fs::path drafts() const { return root_ / "drafts"; }
  fs::path locks() const { return root_ / "locks"; }
  fs::path database_path() const { return root_ / "pomona.db"; }

  /// Whether something below the home has this name. Throws io, naming POMONA_HOME, where the
  /// system does not let us look.
  bool has(const fs::path& path) const;
  /// Makes a folder of the home, which is then one that can be written to. Throws exhausted, or io
  /// that names POMONA_HOME.
  void make(const fs::path& folder) const;

  /// A new connection to the database of aliases, references and file hashes, with its schema
  /// up to date. Errors as make and db::Database.
  db::Database open_database() const;

 private:
  fs::path root_;
};

/// Fails with exhausted if the disk that holds `folder` (or its nearest existing parent) has less
/// than `bytes` free.
void check_free_space(const fs::path& folder, std::uint64_t bytes, std::string_view operation);

/// The total size of the regular files in a folder; 0 if there is none.
std::uint64_t folder_bytes(const fs::path& folder);

}  // namespace pomona::hub
