// SHA-256 of files, remembered by path, size and times, so that an unchanged model is not read
// again to know that it is unchanged.
#pragma once
#include <filesystem>
#include <string>

#include "hub/home.h"

namespace pomona::hub {

class FileHashes {
 public:
  explicit FileHashes(const Home& home);

  /// The SHA-256 of a file (64 hexadecimal digits). A file changed within the last two seconds is
  /// hashed anew each time, since its times may not tell a further change. Throws not_found, io.
  std::string sha256(const fs::path& path);

  /// Remembers a digest that was computed elsewhere just now.
  void remember(const fs::path& path, const std::string& sha256);

 private:
  db::Database database_;
};

}  // namespace pomona::hub
