#include "hub/home.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"

namespace pomona::hub {
namespace {

// Never edited once released, only added to: user_version counts them.
constexpr std::array<std::string_view, 3> kSchema = {R"sql(
CREATE TABLE aliases (
  name TEXT PRIMARY KEY, model TEXT NOT NULL, artefact TEXT, settings TEXT NOT NULL,
  created TEXT NOT NULL) STRICT;
CREATE TABLE report_references (
  report TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (report, key)) STRICT;
CREATE TABLE file_hashes (
  path TEXT PRIMARY KEY, stamp TEXT NOT NULL, sha256 TEXT NOT NULL) STRICT;
)sql",
                                                     R"sql(
CREATE TABLE pins (key TEXT PRIMARY KEY, since INTEGER NOT NULL) STRICT;
)sql",
                                                     R"sql(
ALTER TABLE aliases ADD COLUMN adapter TEXT;
)sql"};

const char* variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == 0 ? nullptr : value;
}

fs::path root_of_environment() {
  if (const char* home = variable("POMONA_HOME")) {
    if (!fs::path(home).is_absolute())
      fail(ErrorKind::bad_argument, "POMONA_HOME: {} is no absolute path", home);
    return home;
  }
  // The specification wants a relative XDG_DATA_HOME ignored.
  const char* data = variable("XDG_DATA_HOME");
  if (data != nullptr && fs::path(data).is_absolute()) return fs::path(data) / "pomona";
  if (const char* home = variable("HOME"); home != nullptr && fs::path(home).is_absolute())
    return fs::path(home) / ".local" / "share" / "pomona";
  fail(ErrorKind::bad_argument,
       "no place to keep models: set POMONA_HOME to a folder (HOME is not set either)");
}

/// Does `work`; what the system denies (io) is told with the way out.
template <class Work>
auto allowed(Work work) {
  try {
    return work();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::io) throw;
    fail(ErrorKind::io, "{}; set POMONA_HOME to a folder that you may use", error.what());
  }
}

}  // namespace

Home::Home() : root_(root_of_environment()) {}

Home::Home(fs::path root) : root_(std::move(root)) {}

bool Home::has(const fs::path& path) const {
  return allowed([&] { return is_there(path); });
}

void Home::make(const fs::path& folder) const {
  allowed([&] {
    make_folder(folder);
    if (::access(folder.c_str(), W_OK | X_OK) != 0) fail_io("write", folder, errno);
  });
}

db::Database Home::open_database() const {
  make(root_);
  db::Database database(database_path());
  database.migrate(kSchema);
  return database;
}

void check_free_space(const fs::path& folder, std::uint64_t bytes, std::string_view operation) {
  std::error_code error;
  fs::path existing = folder;
  while (!fs::exists(existing, error) && existing.has_relative_path())
    existing = existing.parent_path();
  const fs::space_info space = fs::space(existing, error);
  if (error || space.available >= bytes) return;
  fail(ErrorKind::exhausted,
       "{}: needs {} on the disk of {}, which has {} free; free some, or set POMONA_HOME to a "
       "folder on another disk",
       operation, human_bytes(bytes), existing.string(), human_bytes(space.available));
}

std::uint64_t folder_bytes(const fs::path& folder) {
  std::uint64_t bytes = 0;
  std::error_code error;
  auto place = fs::recursive_directory_iterator(folder, error);
  for (; !error && place != fs::recursive_directory_iterator(); place.increment(error)) {
    std::error_code gone;  // files may go while we look
    const auto size = place->is_regular_file(gone) ? place->file_size(gone) : 0;
    if (!gone) bytes += size;
  }
  return bytes;
}

}  // namespace pomona::hub
