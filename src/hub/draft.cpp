// Draft: records that survive a kill, and the one rename that makes them an artefact.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/appended_file.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json_records.h"
#include "hub/artefact_store.h"

namespace pomona::hub {
namespace {

void sync_file(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) fail_io("write", path, errno);
  const int error = ::fsync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  if (error != 0) fail_io("write", path, error);
}

/// Everything below `folder` to the disk; what an AtomicFile left when it was killed is removed.
void settle(const fs::path& folder) {
  std::vector<fs::path> leftovers;
  for (const auto& item : fs::recursive_directory_iterator(folder)) {
    if (item.is_directory()) {
      sync_folder(item.path());
    } else if (is_leftover(item.path())) {
      leftovers.push_back(item.path());
    } else {
      sync_file(item.path());
    }
  }
  for (const fs::path& path : leftovers) fs::remove(path);
}

}  // namespace

Draft::Draft(const Home& home, const ArtefactKey& recipe, FileLock lock)
    : home_(home),
      recipe_(recipe),
      key_(recipe.hex()),
      folder_(home.drafts() / key_),
      lock_(std::move(lock)) {
  std::error_code error;
  resumed_ = fs::exists(folder_, error) && !fs::is_empty(folder_, error);
  make_folder(folder_);
}

std::vector<Json> Draft::records(std::string_view file) {
  whole_.emplace(file);
  return keep_whole_records(folder_ / file);
}

void Draft::append(std::string_view file, const Json& record) {
  if (!whole_.contains(file)) records(file);
  std::string line;
  try {
    line = record.dump() + "\n";
  } catch (const Json::exception&) {
    fail(ErrorKind::bad_argument, "append: {}: a record holds text that is not UTF-8",
         (folder_ / file).string());
  }
  AppendedFile out(folder_ / file);
  out.append(line);
  out.sync();
}

Artefact Draft::commit(double seconds, Json meta) {
  Artefact artefact;
  artefact.key = key_;
  artefact.stage = recipe_.stage;
  artefact.created = utc_now();
  artefact.seconds = seconds;
  artefact.meta = std::move(meta);
  artefact.folder = home_.artefact(key_);
  try {
    settle(folder_);
    artefact.bytes = folder_bytes(folder_);
    Json note = {{"key", key_},
                 {"stage", recipe_.stage},
                 {"version", recipe_.version},
                 {"parameters", recipe_.parameters},
                 {"inputs", recipe_.inputs},
                 {"created", artefact.created},
                 {"bytes", artefact.bytes},
                 {"seconds", seconds},
                 {"meta", artefact.meta}};
    write_file(folder_ / "artefact.json", note.dump(1) + "\n");
    sync_folder(folder_);
    fs::create_directories(artefact.folder.parent_path());
    fs::remove_all(artefact.folder);  // without a note, else there would be no draft
    fs::rename(folder_, artefact.folder);
  } catch (const fs::filesystem_error& error) {
    fail_io("write", folder_, error.code().value());
  }
  sync_folder(artefact.folder.parent_path());
  lock_.reset();
  return artefact;
}

void Draft::discard() {
  std::error_code error;
  fs::remove_all(folder_, error);
  lock_.reset();
  if (error) fail_io("remove", folder_, error.value());
}

}  // namespace pomona::hub
