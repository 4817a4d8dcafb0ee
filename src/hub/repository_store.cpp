// ModelStore's part for repositories of the hub: pulled ones, and those in the hub's own cache.
#include <algorithm>
#include <functional>

#include "base/error.h"
#include "base/file.h"
#include "base/file_lock.h"
#include "base/text.h"
#include "hub/endpoint.h"
#include "hub/fetch.h"
#include "hub/file_hashes.h"
#include "hub/model_path.h"
#include "hub/model_store.h"
#include "model/registry.h"
#include "net/http.h"
#include "store/gguf.h"
#include "store/hub_folder.h"

namespace pomona::hub {
namespace {

constexpr std::string_view kByHand = "placed by hand";
constexpr std::string_view kCache = "the hub's cache";

/// What pulls have written down: {"files": {path: {"sha256", "source"}}}
fs::path origin_path(const fs::path& folder) { return folder / ".origin.json"; }

Json read_origin(const fs::path& folder) {
  try {
    return read_json(origin_path(folder)).at("files");
  } catch (const std::exception&) {
    return Json::object();  // no such note, or one that cannot be read
  }
}

/// Refuses a model whose files are not what a pull has written down. Returns where they are from.
std::string check_origin(const RepositoryName& name, const LocalRepository& here,
                         const fs::path& path, FileHashes& hashes) {
  const Json known = read_origin(here.folder);
  std::string source{kByHand};
  for (const fs::path& file : model_files(path)) {
    const auto note = known.find(file.lexically_relative(here.folder).string());
    if (note == known.end()) continue;
    source = note->value("source", source);
    if (note->value("sha256", "") != hashes.sha256(file))
      fail(ErrorKind::bad_file,
           "pull: {} was changed since it was pulled; remove it with `pomona rm {}` and pull again",
           file.string(), name.text());
  }
  return source;
}

/// Fetches one file to its place unless it is there.
void fetch_file(const RepositoryName& name, const RemoteFile& file, const fs::path& folder,
                FileHashes& hashes, ProgressSink& progress, const StopToken& stop) {
  const fs::path place = folder / file.path;
  const Expected expected{file.sha256, file.git_name};
  const bool known = is_there(place) && !file.sha256.empty();
  if (known ? hashes.sha256(place) == file.sha256 : is_there(place) && expected.is_met_by(place))
    return;
  make_folder(place.parent_path());
  const HubSource source{name.repo, name.revision, file.path};
  const FetchRequest request{place.string() + ".part", file.bytes, progress, stop};
  fetch_checked(source, request, expected);
  std::error_code error;
  fs::rename(request.part, place, error);
  if (error) fail_io("pull", place, error.value());
  sync_folder(place.parent_path());
  if (!file.sha256.empty()) hashes.remember(place, file.sha256);
}

/// Fails with exhausted if the disk has no room for what is not here yet.
void check_room(const RepositoryName& name, const std::vector<RemoteFile>& files,
                const fs::path& folder) {
  std::uint64_t missing = 0;
  for (const RemoteFile& file : files) {
    const fs::path place = folder / file.path;
    if (is_there(place)) continue;
    const std::uint64_t begun = net::present_bytes(place.string() + ".part", file.bytes);
    missing += file.bytes - std::min(begun, file.bytes);
  }
  check_free_space(folder, missing, fmt::format("pull {}", name.text()));
}

/// The URL of the file, or of the list of the folder's.
std::string source_of(const RepositoryName& name, const Selection& selection) {
  if (!selection.gguf.empty()) return hub_file_url(name.repo, name.revision, selection.gguf);
  return fmt::format("{}/{}/tree/{}", hub_endpoint(), name.repo, name.revision);
}

using FetchFile = std::function<void(const RemoteFile&)>;

/// The architecture that the metadata of a GGUF file or a folder's config.json names; "" if none.
std::string architecture_of(const fs::path& path) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored))
    return std::string(store::GgufFile(path).metadata().string("general.architecture"));
  const Json config = store::HubFolder(path).config();
  const auto type = config.find("model_type");
  return type != config.end() && type->is_string() ? type->get<std::string>() : "";
}

/// Refuses what Pomona could not read before its weights are fetched.
void check_architecture(const fs::path& folder) {
  const std::string type = architecture_of(folder);
  if (type.empty()) return;
  try {
    model::find_architecture(type, folder);
  } catch (const Error&) {
    std::error_code ignored;
    fs::remove(folder / store::kConfigFile, ignored);
    throw;
  }
}

/// Why Pomona cannot load a model that is here; "" if nothing is known against it.
std::string obstacle_of(const fs::path& path) {
  try {
    model::find_architecture(architecture_of(path), path);
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

/// Fetches what is not here yet, and adds the shards to the selection.
void fetch_files(const RepositoryName& name, const std::vector<RemoteFile>& listed,
                 Selection& selection, const fs::path& folder, const FetchFile& fetch_file) {
  for (std::size_t i = 0; i < selection.files.size(); ++i) {
    const RemoteFile file = selection.files[i];
    fetch_file(file);
    if (file.path == store::kConfigFile) check_architecture(folder);
    if (file.path != selection.index) continue;
    add_shards(name, read_file(folder / file.path), listed, selection);
    check_room(name, selection.files, folder);
  }
}

}  // namespace

std::optional<Pulled> ModelStore::present(const RepositoryName& name) const {
  FileHashes hashes(home_);
  for (const auto& here : {find_stored(home_, name), find_cached(name)}) {
    if (!here || !here->holds(name)) continue;
    const fs::path path = here->path_of(name);
    std::string source{kCache};
    if (!here->cached) source = check_origin(name, *here, path, hashes);
    return Pulled{path, model_bytes(path), hashes.sha256_of_model(path), source, true};
  }
  return std::nullopt;
}

std::optional<fs::path> ModelStore::path_of(const RepositoryName& name) const {
  for (const auto& here : {find_stored(home_, name), find_cached(name)}) {
    if (here && here->holds(name)) return here->path_of(name);
  }
  return std::nullopt;
}

Pulled ModelStore::pull_repository(const RepositoryName& name, ProgressSink& progress,
                                   const StopToken& stop) {
  if (auto pulled = present(name)) return *pulled;
  home_.make(home_.locks());
  const FileLock lock = FileLock::take(
      pull_lock(name.folder()),
      fmt::format("pull {}: waiting for another process that pulls the same", name.text()),
      progress, stop);
  if (auto pulled = present(name)) return *pulled;

  check_online(name.text());
  const std::vector<RemoteFile> listed = list_repository(name, stop);
  Selection selection = select_files(name, listed);
  const fs::path folder = home_.models() / name.folder();
  check_room(name, selection.files, folder);
  home_.make(folder);
  FileHashes hashes(home_);
  try {
    fetch_files(name, listed, selection, folder, [&](const RemoteFile& file) {
      fetch_file(name, file, folder, hashes, progress, stop);
    });
  } catch (...) {
    std::error_code not_empty;
    fs::remove(folder, not_empty);
    throw;
  }

  const std::string source = source_of(name, selection);
  Json files = read_origin(folder);
  for (const RemoteFile& file : selection.files)
    files[file.path] = {{"sha256", hashes.sha256(folder / file.path)}, {"source", source}};
  write_file(origin_path(folder), Json{{"files", files}}.dump(1) + "\n");
  const fs::path path = selection.gguf.empty() ? folder : folder / selection.gguf;
  return {path, model_bytes(path), hashes.sha256_of_model(path), source, false};
}

ResolvedModel ModelStore::resolve_repository(const RepositoryName& name) const {
  const auto stored = find_stored(home_, name);
  const auto cached = find_cached(name);
  if (!stored && !cached)
    fail(ErrorKind::not_found,
         "model {0}: no file or folder has this name, and no repository of it is on this computer; "
         "run `pomona pull {0}` to fetch it from the hub",
         name.text());
  const bool in_cache = cached && (!stored || (!stored->holds(name) && cached->holds(name)));
  return {name.text(), (in_cache ? cached : stored)->path_of(name), "", nullptr};
}

void ModelStore::list_repositories(std::vector<ModelRow>& rows) const {
  const auto add = [&](const LocalRepository& here, const std::string& file) {
    ModelRow row;
    row.name = here.name.with_file(file);
    row.cached = here.cached;
    row.path = here.folder / file;
    if (file.empty()) row.path = here.folder;
    const auto same = [&](const ModelRow& other) {
      return other.name == row.name || other.path == row.path;
    };
    if (std::any_of(rows.begin(), rows.end(), same)) return;
    row.bytes = model_bytes(*row.path);
    row.obstacle = obstacle_of(*row.path);
    rows.push_back(std::move(row));
  };
  std::vector<LocalRepository> all = stored_repositories(home_);
  for (LocalRepository& one : cached_repositories()) all.push_back(std::move(one));
  for (const LocalRepository& here : all) {
    if (catalogue_.find(here.folder.filename().string()) != nullptr) continue;
    if (here.is_folder_model) add(here, "");
    for (const std::string& file : here.gguf) add(here, file);
    if (here.has_model()) continue;
    ModelRow row;  // begun and not whole
    row.name = here.name.text();
    row.bytes = folder_bytes(here.folder);
    rows.push_back(std::move(row));
  }
}

std::uint64_t ModelStore::remove_repository(const RepositoryName& name) {
  const auto here = find_stored(home_, name);
  if (!here) {
    if (const auto cached = find_cached(name))
      fail(
          ErrorKind::bad_argument,
          "rm: {} lies in the hub's cache, which other programs use as well; `hf cache` removes it",
          cached->folder.string());
    fail(ErrorKind::not_found, "rm: {} is not on this computer", name.text());
  }
  std::vector<fs::path> doomed = {here->folder};
  if (!name.file.empty()) {
    doomed = model_files(here->path_of(name));
    if (here->gguf.size() == 1 && !here->is_folder_model) doomed = {here->folder};
  }
  for (const Alias& alias : aliases()) {
    const bool stands =
        !alias.artefact &&
        (alias.model == name.text() || std::any_of(doomed.begin(), doomed.end(), [&](auto& path) {
           return alias.model == path.string() || alias.model.starts_with(path.string() + "/");
         }));
    if (stands)
      fail(ErrorKind::bad_argument, "rm: {} is what {} stands on; first `pomona rm {}`",
           name.text(), alias.name, alias.name);
  }
  const auto lock = FileLock::try_take(pull_lock(name.folder()));
  if (!lock) fail(ErrorKind::io, "rm: {} is being pulled by another process", name.text());
  std::uint64_t bytes = 0;
  for (const fs::path& path : doomed) {
    std::error_code error;
    bytes += fs::is_directory(path, error) ? folder_bytes(path) : fs::file_size(path, error);
    fs::remove_all(path, error);
    if (error) fail_io("rm", path, error.value());
  }
  return bytes;
}

}  // namespace pomona::hub
