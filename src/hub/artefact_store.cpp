#include "hub/artefact_store.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <tuple>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"

namespace pomona::hub {
namespace {

constexpr std::string_view kNote = "artefact.json";

Artefact read_note(const fs::path& folder) {
  const Json note = read_json(folder / kNote);
  try {
    Artefact artefact;
    artefact.key = note.at("key").get<std::string>();
    artefact.stage = note.at("stage").get<std::string>();
    artefact.created = note.at("created").get<std::string>();
    artefact.bytes = note.at("bytes").get<std::uint64_t>();
    artefact.seconds = note.at("seconds").get<double>();
    artefact.meta = note.at("meta");
    artefact.folder = folder;
    return artefact;
  } catch (const Json::exception& error) {
    fail(ErrorKind::bad_file, "artefact {}: {}", folder.string(), error.what());
  }
}

bool is_key(std::string_view key) {
  return key.size() == 64 && key.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// The folders artefacts/ab/cdef..., finished or half removed.
std::vector<fs::path> artefact_folders(const Home& home) {
  std::vector<fs::path> folders;
  std::error_code error;
  for (const auto& shelf : fs::directory_iterator(home.artefacts(), error)) {
    for (const auto& item : fs::directory_iterator(shelf.path(), error)) {
      if (is_key(shelf.path().filename().string() + item.path().filename().string()))
        folders.push_back(item.path());
    }
  }
  return folders;
}

std::string key_of(const fs::path& folder) {
  return folder.parent_path().filename().string() + folder.filename().string();
}

/// Seconds since anything in the folder was written.
double age_of(const fs::path& folder) {
  std::error_code error;
  fs::file_time_type newest = fs::last_write_time(folder, error);
  for (const auto& item : fs::recursive_directory_iterator(folder, error)) {
    const auto written = item.last_write_time(error);
    if (!error) newest = std::max(newest, written);
  }
  return std::chrono::duration<double>(fs::file_time_type::clock::now() - newest).count();
}

/// Removes a folder; its note first, so that what a kill leaves of it is no artefact.
std::uint64_t remove_folder(const fs::path& folder) {
  const std::uint64_t bytes = folder_bytes(folder);
  std::error_code error;
  fs::remove(folder / kNote, error);
  fs::remove_all(folder, error);
  if (error) fail_io("clean", folder, error.value());
  fs::remove(folder.parent_path(), error);  // the shelf, if that was the last one on it
  return bytes;
}

fs::path key_lock(const Home& home, const std::string& key) {
  return home.locks() / ("artefact-" + key);
}

}  // namespace

std::string ArtefactKey::hex() const {
  const nlohmann::json canonical = {
      {"stage", stage}, {"version", version}, {"parameters", parameters}, {"inputs", inputs}};
  try {
    return sha256_hex(canonical.dump());
  } catch (const nlohmann::json::exception&) {
    fail(ErrorKind::bad_argument, "stage {}: its parameters hold text that is not UTF-8", stage);
  }
}

ArtefactStore::ArtefactStore(Home home) : home_(std::move(home)) {}

db::Database& ArtefactStore::database() {
  if (!database_) database_ = home_.open_database();
  return *database_;
}

void ArtefactStore::pin(const std::string& key) {
  database().run("INSERT OR REPLACE INTO pins VALUES (?, ?)", key,
                 static_cast<std::int64_t>(std::time(nullptr)));
}

std::optional<Artefact> ArtefactStore::find(std::string_view key) const {
  if (!is_key(key)) return std::nullopt;
  try {
    return read_note(home_.artefact(key));
  } catch (const Error& error) {
    // A note that cannot be read is as good as none: the stage runs again.
    if (error.kind() == ErrorKind::not_found || error.kind() == ErrorKind::bad_file)
      return std::nullopt;
    throw;
  }
}

Claim ArtefactStore::claim(const ArtefactKey& key, ProgressSink& progress, const StopToken& stop) {
  const std::string hex = key.hex();
  if (!in_use_) {
    home_.make(home_.locks());
    in_use_ = FileLock::take(home_.locks() / "store", "waiting until `pomona clean` is done",
                             progress, stop, FileLock::Mode::shared);
  }
  pin(hex);
  if (auto artefact = find(hex)) return {std::move(artefact), std::nullopt};
  FileLock lock =
      FileLock::take(key_lock(home_, hex),
                     fmt::format("{}: waiting for another process that makes the same", key.stage),
                     progress, stop);
  if (auto artefact = find(hex)) return {std::move(artefact), std::nullopt};
  return {std::nullopt, Draft(home_, key, std::move(lock))};
}

void ArtefactStore::set_references(const fs::path& report, const std::vector<std::string>& keys) {
  const std::string path = fs::absolute(report).lexically_normal().string();
  db::Transaction transaction(database());
  database().run("DELETE FROM report_references WHERE report = ?", path);
  for (const std::string& key : keys) {
    database().run("INSERT OR IGNORE INTO report_references VALUES (?, ?)", path, key);
    database().run("DELETE FROM pins WHERE key = ?", key);
  }
  transaction.commit();
}

std::vector<std::string> ArtefactStore::kept(double pinned_seconds) {
  db::Transaction transaction(database());
  std::vector<std::string> gone;
  std::vector<std::string> keys;
  db::Statement reports = database().query("SELECT DISTINCT report FROM report_references");
  while (reports.step()) {
    std::error_code error;
    const bool there = fs::exists(reports.text(0), error);
    if (!there && !error) gone.push_back(reports.text(0));
  }
  for (const std::string& report : gone)
    database().run("DELETE FROM report_references WHERE report = ?", report);
  database().run("DELETE FROM pins WHERE since <= ?",
                 static_cast<double>(std::time(nullptr)) - pinned_seconds);
  db::Statement rows = database().query(
      "SELECT key FROM report_references UNION SELECT key FROM pins UNION "
      "SELECT artefact FROM aliases WHERE artefact IS NOT NULL UNION "
      "SELECT adapter FROM aliases WHERE adapter IS NOT NULL");
  while (rows.step()) keys.push_back(rows.text(0));
  transaction.commit();
  return keys;
}

Cleaned ArtefactStore::clean(double unfinished_seconds) {
  in_use_.reset();
  home_.make(home_.locks());
  const auto alone = FileLock::try_take(home_.locks() / "store");
  if (!alone)
    fail(ErrorKind::io,
         "clean: another pomona works with the store {}; try again when it has finished",
         home_.root().string());
  const std::vector<std::string> keys = kept(unfinished_seconds);
  Cleaned cleaned;
  for (const fs::path& folder : artefact_folders(home_)) {
    if (std::find(keys.begin(), keys.end(), key_of(folder)) != keys.end()) continue;
    cleaned.freed_bytes += remove_folder(folder);
    ++cleaned.artefacts;
  }
  std::error_code error;
  for (const auto& draft : fs::directory_iterator(home_.drafts(), error)) {
    if (age_of(draft.path()) < unfinished_seconds) continue;
    const auto lock = FileLock::try_take(key_lock(home_, draft.path().filename().string()));
    if (!lock) continue;
    cleaned.freed_bytes += remove_folder(draft.path());
    ++cleaned.drafts;
  }
  return cleaned;
}

std::vector<Artefact> ArtefactStore::list() const {
  std::vector<Artefact> all;
  for (const fs::path& folder : artefact_folders(home_)) {
    if (auto artefact = find(key_of(folder))) all.push_back(std::move(*artefact));
  }
  std::sort(all.begin(), all.end(), [](const Artefact& a, const Artefact& b) {
    return std::tie(a.created, a.key) < std::tie(b.created, b.key);
  });
  return all;
}

}  // namespace pomona::hub
