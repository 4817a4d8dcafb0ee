// What stages make, addressed by the hash of what it was made from, so that nothing is made twice.
//
// On disk: artefacts/ab/cdef.../ (the key in hexadecimal) with the stage's files and artefact.json,
// which tells what it is and from what; drafts/KEY/ while a stage works. What reports refer to, and
// what a run holds (pins) that has no report yet, stands in the database.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_lock.h"
#include "base/json.h"
#include "base/progress.h"
#include "hub/home.h"

namespace pomona::hub {

/// What an artefact is made from, and the hash of that. Nothing of the machine, the time, the
/// thread count or a path belongs in here.
struct ArtefactKey {
  std::string stage;
  /// Raised when the stage computes something else from the same inputs.
  int version = 1;
  Json parameters;
  /// Name of each input -> SHA-256 of the file, or key of the artefact.
  std::map<std::string, std::string> inputs;

  /// SHA-256 of the canonical JSON (keys sorted, no white space) of the above. Throws bad_argument
  /// for text that is not UTF-8.
  std::string hex() const;
};

struct Artefact {
  std::string key;
  std::string stage;
  std::string created;  // ISO 8601, UTC
  std::uint64_t bytes = 0;
  double seconds = 0;
  Json meta;
  fs::path folder;
};

/// An artefact in the making. It belongs to one process at a time; when that dies, or the object
/// goes without commit, its files stay and the next claim of the key goes on with them.
class Draft {
 public:
  Draft(Draft&&) noexcept = default;
  Draft& operator=(Draft&&) noexcept = default;

  const std::string& key() const { return key_; }
  const fs::path& folder() const { return folder_; }
  /// Whether an earlier attempt left something here.
  bool resumed() const { return resumed_; }

  /// The records of a JSON Lines file of this draft, in order; none if there is no such file. A
  /// last record that was not written to its end is cut off the file.
  std::vector<Json> records(std::string_view file);

  /// Appends a record. When it returns, the record is on the disk and survives kill -9 and a power
  /// cut. Throws exhausted (disk full; the file keeps its earlier records), io.
  void append(std::string_view file, const Json& record);

  /// Makes this the artefact of its key, at once and for good. `seconds` is what making it took.
  Artefact commit(double seconds, Json meta = Json::object());

  /// Throws the draft away.
  void discard();

 private:
  friend class ArtefactStore;
  Draft(const Home& home, const ArtefactKey& recipe, FileLock lock);
  Home home_;
  ArtefactKey recipe_;
  std::string key_;
  fs::path folder_;
  bool resumed_ = false;
  std::set<std::string, std::less<>> whole_;  // record files whose end has been looked at
  std::optional<FileLock> lock_;
};

/// Either the artefact, or the right to make it.
struct Claim {
  std::optional<Artefact> artefact;
  std::optional<Draft> draft;
};

struct Cleaned {
  std::uint64_t freed_bytes = 0;
  std::size_t artefacts = 0;
  std::size_t drafts = 0;
};

/// One object for one thread. From its first claim on it keeps `clean` of other processes away.
class ArtefactStore {
 public:
  explicit ArtefactStore(Home home = Home());
  ArtefactStore(const ArtefactStore&) = delete;
  ArtefactStore& operator=(const ArtefactStore&) = delete;

  /// The artefact of a key (64 hexadecimal digits) if it is there.
  std::optional<Artefact> find(std::string_view key) const;

  /// The artefact, or a draft to make it; waits while another process makes the same one. Pins the
  /// key, so that `clean` keeps it for the report that the run is on its way to. Throws cancelled,
  /// exhausted, io.
  Claim claim(const ArtefactKey& key, ProgressSink& progress, const StopToken& stop);

  /// Says that `report` (the path of its report.json) stands on these artefacts, and on no others
  /// that it named before. They stay for as long as that file is there, and are pinned no longer.
  void set_references(const fs::path& report, const std::vector<std::string>& keys);

  /// Frees artefacts that no report and no alias refers to, and drafts that nobody has touched for
  /// `unfinished_seconds`; an artefact that was claimed since then but stands in no report yet is
  /// part of such unfinished work. Throws io if another process works with the store.
  Cleaned clean(double unfinished_seconds = 7 * 86400.0);

  /// Every artefact that is there, oldest first.
  std::vector<Artefact> list() const;

  const Home& home() const { return home_; }

 private:
  db::Database& database();
  void pin(const std::string& key);
  std::vector<std::string> kept(double pinned_seconds);
  Home home_;
  std::optional<db::Database> database_;
  std::optional<FileLock> in_use_;
};

}  // namespace pomona::hub
