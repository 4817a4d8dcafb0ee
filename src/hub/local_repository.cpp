#include "hub/local_repository.h"

#include <algorithm>
#include <cstdlib>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "hub/endpoint.h"
#include "store/gguf_split.h"
#include "store/hub_folder.h"
#include "store/shard_index.h"

namespace pomona::hub {
namespace {

/// "" if the folder is a model; what it lacks else.
std::string lack_of_folder(const fs::path& folder) {
  for (const std::string_view file : {store::kConfigFile, store::kTokenizerFile}) {
    if (!is_there(folder / file)) return fmt::format("{} is missing", file);
  }
  const auto weights = std::find_if(store::kWeightFiles.begin(), store::kWeightFiles.end(),
                                    [&](auto file) { return is_there(folder / file); });
  if (weights == store::kWeightFiles.end()) return "the weights are missing";
  if (!weights->ends_with(".index.json")) return "";
  const fs::path index = folder / *weights;
  std::vector<std::string> files;
  try {
    files = store::parse_shard_index(read_file(index), index.string()).files;
  } catch (const Error& error) {
    return error.what();
  }
  const std::size_t all = files.size();
  std::erase_if(files, [&](const std::string& file) { return is_there(folder / file); });
  if (files.empty()) return "";
  return fmt::format("{} of {} files with weights are missing: {}", files.size(), all,
                     fmt::join(files, ", "));
}

/// Relative paths of the GGUF files below a folder; of a split one the first part, also where that
/// itself is missing.
std::vector<std::string> gguf_files(const fs::path& folder) {
  std::vector<std::string> files;
  std::error_code error;
  fs::recursive_directory_iterator place(folder, error);
  for (; !error && place != fs::recursive_directory_iterator(); place.increment(error)) {
    const fs::path path = place->path().lexically_relative(folder);
    if (path.filename().string().starts_with('.')) {
      place.disable_recursion_pending();
    } else if (path.extension() == ".gguf") {
      files.push_back(store::gguf_part_paths(path).front().string());
    }
  }
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  return files;
}

/// The file that stands for a GGUF model whichever of its parts is named.
std::string first_part(const std::string& file) {
  return store::gguf_part_paths(file).front().string();
}

/// "" if all parts of the GGUF model `file` are there.
std::string lack_of_gguf(const fs::path& folder, const std::string& file) {
  for (const fs::path& part : store::gguf_part_paths(file)) {
    if (!is_there(folder / part)) return fmt::format("{} is missing", part.string());
  }
  return "";
}

std::vector<fs::path> folders_in(const fs::path& folder) {
  std::vector<fs::path> folders;
  std::error_code error;
  fs::directory_iterator place(folder, error);
  for (; !error && place != fs::directory_iterator(); place.increment(error)) {
    std::error_code ignored;
    if (place->is_directory(ignored)) folders.push_back(place->path());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

/// The snapshot's folder of a cached repository at a branch, tag or commit.
std::optional<fs::path> snapshot_of(const fs::path& folder, const std::string& revision) {
  std::error_code ignored;
  std::string commit = revision;
  if (const fs::path ref = folder / "refs" / revision; fs::is_regular_file(ref, ignored))
    commit = trim(read_file(ref));
  if (commit.empty() || commit.front() == '.' || commit.find('/') != std::string::npos)
    return std::nullopt;
  fs::path snapshot = folder / "snapshots" / commit;
  if (!fs::is_directory(snapshot, ignored)) return std::nullopt;
  return snapshot;
}

constexpr std::string_view kCacheFolder = "models--";

/// Where the hub's cache has a repository, or would have it.
std::optional<fs::path> cache_folder(std::string_view repo) {
  const auto cache = hub_cache();
  if (!cache) return std::nullopt;
  return *cache / fmt::format("{}{}", kCacheFolder, replace_all(repo, "/", "--"));
}

}  // namespace

bool LocalRepository::holds(const RepositoryName& wanted) const {
  if (!wanted.file.empty()) return std::ranges::find(gguf, first_part(wanted.file)) != gguf.end();
  // In the store, config.json comes only with the rest of a folder; others keep it beside GGUF too.
  const bool begun = !cached && is_there(folder / store::kConfigFile);
  return is_folder_model || (!gguf.empty() && !begun);
}

fs::path LocalRepository::path_of(const RepositoryName& wanted) const {
  const std::string model = wanted.text();
  if (!holds(wanted)) {
    if (lacking.empty() || !wanted.file.empty())
      fail(ErrorKind::not_found, "model {0}: not on this computer yet; run `pomona pull {0}`",
           model);
    fail(ErrorKind::not_found,
         "model {0}: {1} is not whole ({2}); run `pomona pull {0}` to fetch {3}", model,
         folder.string(), lacking, cached ? "it into Pomona's own store" : "the rest");
  }
  if (!wanted.file.empty()) return folder / first_part(wanted.file);
  if (is_folder_model) return folder;
  if (gguf.size() == 1) return folder / gguf.front();
  fail(ErrorKind::bad_argument, "model {}: {} GGUF files of it are here; name one, as in {}: {}",
       model, gguf.size(), wanted.with_file(gguf.front()), fmt::join(gguf, ", "));
}

LocalRepository look_at(const RepositoryName& name, const fs::path& folder) {
  LocalRepository found;
  found.name = {name.repo, name.revision, ""};
  found.folder = folder;
  for (const std::string& file : gguf_files(folder)) {
    const std::string lack = lack_of_gguf(folder, file);
    if (lack.empty())
      found.gguf.push_back(file);
    else
      found.lacking = lack;
  }
  const std::string lack = lack_of_folder(folder);
  found.is_folder_model = lack.empty();
  if (!found.is_folder_model && is_there(folder / store::kConfigFile)) found.lacking = lack;
  return found;
}

std::vector<LocalRepository> stored_repositories(const Home& home) {
  std::vector<LocalRepository> found;
  for (const fs::path& folder : folders_in(home.models())) {
    if (const auto name = repository_of_folder(folder.filename().string()))
      found.push_back(look_at(*name, folder));
  }
  return found;
}

std::optional<LocalRepository> find_stored(const Home& home, const RepositoryName& name) {
  const fs::path folder = home.models() / name.folder();
  if (!home.has(folder)) return std::nullopt;
  return look_at(name, folder);
}

std::optional<fs::path> hub_cache() {
  for (const char* variable : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) {
    const char* value = std::getenv(variable);
    if (value != nullptr && *value != 0) return value;
  }
  if (const auto home = hub_home()) return *home / "hub";
  return std::nullopt;
}

std::optional<fs::path> find_cached_file(std::string_view repo, const fs::path& file,
                                         std::string_view sha256) {
  const auto folder = cache_folder(repo);
  if (!folder) return std::nullopt;
  for (const fs::path& snapshot : folders_in(*folder / "snapshots")) {
    std::error_code error;
    fs::path path = snapshot / file;
    if (fs::read_symlink(path, error).filename() == sha256 && fs::is_regular_file(path, error))
      return path;
  }
  return std::nullopt;
}

std::optional<LocalRepository> find_cached(const RepositoryName& name) {
  const auto folder = cache_folder(name.repo);
  if (!folder) return std::nullopt;
  const auto snapshot = snapshot_of(*folder, name.revision);
  if (!snapshot) return std::nullopt;
  LocalRepository found = look_at(name, *snapshot);
  found.cached = true;
  return found;
}

std::vector<LocalRepository> cached_repositories() {
  std::vector<LocalRepository> found;
  const auto cache = hub_cache();
  if (!cache) return found;
  for (const fs::path& folder : folders_in(*cache)) {
    const std::string text = folder.filename().string();
    if (!text.starts_with(kCacheFolder)) continue;
    const auto name = repository_of_folder(std::string_view(text).substr(kCacheFolder.size()));
    auto repository = name ? find_cached(*name) : std::nullopt;
    if (repository && repository->has_model()) found.push_back(std::move(*repository));
  }
  return found;
}

}  // namespace pomona::hub
