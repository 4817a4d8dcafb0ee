// SHA-256 of files, remembered by path, size and times, so that an unchanged model is not read
// again to know that it is unchanged.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "hub/home.h"

namespace pomona::hub {

class FileHashes {
 public:
  explicit FileHashes(Home home) : home_(std::move(home)) {}

  /// The SHA-256 of a file (64 hexadecimal digits). A file changed within the last two seconds is
  /// hashed anew each time, since its times may not tell a further change. Where the store has no
  /// database yet, none is made for this. Throws not_found, io.
  std::string sha256(const fs::path& path);

  /// That of a model of one file; for one of several the SHA-256 of the JSON object that gives the
  /// digest of each file by its name, which depends on no path.
  std::string sha256_of_model(const fs::path& path);

  /// Remembers a digest that was computed elsewhere just now.
  void remember(const fs::path& path, const std::string& sha256);

 private:
  db::Database& database();
  Home home_;
  std::optional<db::Database> database_;
};

}  // namespace pomona::hub
