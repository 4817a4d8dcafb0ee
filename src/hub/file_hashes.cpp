#include "hub/file_hashes.h"

#include <sys/stat.h>

#include <cerrno>
#include <ctime>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "hub/model_path.h"

namespace pomona::hub {
namespace {

/// How old a change must be before a further one is sure to show in the times.
constexpr std::int64_t kSettledSeconds = 2;

struct Stamp {
  std::string text;  // differs if the file was changed, moved over or replaced
  std::int64_t changed_seconds;
};

Stamp stamp_of(const fs::path& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) fail_io("read", path, errno);
  return {
      fmt::format("{} {} {}.{:09} {}.{:09}", status.st_size, status.st_ino, status.st_mtim.tv_sec,
                  status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec),
      status.st_ctim.tv_sec};
}

}  // namespace

db::Database& FileHashes::database() {
  if (!database_) database_ = home_.open_database();
  return *database_;
}

std::string FileHashes::sha256(const fs::path& path) {
  const fs::path absolute = fs::absolute(path).lexically_normal();
  const Stamp before = stamp_of(absolute);
  std::error_code ignored;
  if (!fs::exists(home_.database_path(), ignored)) return sha256_file(absolute);
  db::Statement known =
      database().query("SELECT sha256 FROM file_hashes WHERE path = ? AND stamp = ?",
                       absolute.string(), before.text);
  if (known.step()) return known.text(0);
  const std::string digest = sha256_file(absolute);
  const bool settled = std::time(nullptr) - before.changed_seconds > kSettledSeconds;
  if (settled && stamp_of(absolute).text == before.text) remember(absolute, digest);
  return digest;
}

std::string FileHashes::sha256_of_model(const fs::path& path) {
  const std::vector<fs::path> files = model_files(path);
  if (files.size() == 1 && files.front() == path) return sha256(path);
  Json hashes = Json::object();
  for (const fs::path& file : files) hashes[file.filename().string()] = sha256(file);
  return sha256_hex(hashes.dump());
}

void FileHashes::remember(const fs::path& path, const std::string& sha256) {
  const fs::path absolute = fs::absolute(path).lexically_normal();
  database().run("INSERT OR REPLACE INTO file_hashes VALUES (?, ?, ?)", absolute.string(),
                 stamp_of(absolute).text, sha256);
}

}  // namespace pomona::hub
