// ModelStore::pull: the sources of a model in order, until one gives the right bytes.
#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "base/file_lock.h"
#include "base/text.h"
#include "hub/endpoint.h"
#include "hub/fetch.h"
#include "hub/file_hashes.h"
#include "hub/model_store.h"
#include "hub/repository.h"

namespace pomona::hub {
namespace {

constexpr std::string_view kByHand = "placed by hand";
constexpr std::string_view kCache = "the hub's cache";

fs::path origin_path(const fs::path& place) { return place.string() + ".origin.json"; }

void write_origin(const CatalogueEntry& entry, const fs::path& place, std::string_view source) {
  Json origin;
  origin["sha256"] = entry.sha256;
  origin["bytes"] = entry.bytes;
  origin["source"] = source;
  write_file(origin_path(place), origin.dump(1) + "\n");
}

/// What a pull before has written down, if it is about this version of the file.
std::optional<std::string> known_origin(const CatalogueEntry& entry, const fs::path& place) {
  try {
    const Json origin = read_json(origin_path(place));
    if (origin.value("sha256", "") == entry.sha256) return origin.value("source", "");
  } catch (const std::exception&) {
    return std::nullopt;  // no such note, or one that cannot be read: the file itself tells
  }
  return std::nullopt;
}

/// The file that is there, if there is one. Throws bad_file if it is not what the catalogue says.
std::optional<Pulled> present_entry(const ModelStore& store, const CatalogueEntry& entry) {
  if (!store.has(entry)) return std::nullopt;
  const fs::path place = store.path_of(entry).value();
  Pulled pulled{place, entry.bytes, entry.sha256, "", true};
  if (place != store.place_of(entry)) {
    pulled.source = kCache;
    return pulled;
  }
  if (const auto origin = known_origin(entry, place)) {
    pulled.source = *origin;
    return pulled;
  }
  write_origin(entry, place, kByHand);
  pulled.source = kByHand;
  return pulled;
}

/// Fetches from one source and gives the file its name.
void fetch_from(const CatalogueEntry& entry, const Source& source, const FetchRequest& request,
                const fs::path& place) {
  fetch_checked(source, request, {.sha256 = entry.sha256, .git_name = {}});
  write_origin(entry, place, describe(source));
  std::error_code error;
  fs::rename(request.part, place, error);
  if (error) fail_io("pull", place, error.value());
  sync_folder(place.parent_path());
}

/// Whether another source may do better.
bool only_this_source(const Error& error) {
  return error.kind() == ErrorKind::network || error.kind() == ErrorKind::not_found ||
         error.kind() == ErrorKind::bad_file || error.kind() == ErrorKind::unsupported;
}

[[noreturn]] void fail_all(const CatalogueEntry& entry, const fs::path& place,
                           const std::vector<Error>& failures) {
  std::vector<std::string> reasons;
  for (const Error& error : failures) reasons.emplace_back(error.what());
  const auto same = [&](const Error& error) { return error.kind() == failures[0].kind(); };
  const bool agree = !failures.empty() && std::all_of(failures.begin(), failures.end(), same);
  fail(agree ? failures[0].kind() : ErrorKind::network,
       "pull {}: no source gave it ({}); get {} ({} bytes, sha256 {}) some other way, put it at {} "
       "and pull again",
       entry.name, fmt::join(reasons, "; "), entry.file, entry.bytes, entry.sha256, place.string());
}

}  // namespace

bool ModelStore::has(const CatalogueEntry& entry) const {
  const auto path = path_of(entry);
  if (!path || entry.repository) return path.has_value();
  const fs::path place = place_of(entry);
  const std::string found = FileHashes(home_).sha256(*path);
  if (found == entry.sha256) return true;
  if (*path != place) return false;  // a damaged cache is not for Pomona to mend
  fail(ErrorKind::bad_file,
       "model {}: {} is another file (sha256 {}, not {}); remove it with `pomona rm {}` and pull "
       "again",
       entry.name, place.string(), found, entry.sha256, entry.name);
}

Pulled ModelStore::pull(std::string_view name, ProgressSink& progress, const StopToken& stop) {
  const auto repository = parse_repository_name(name);
  if (repository && catalogue_.find(name) == nullptr)
    return pull_repository(*repository, progress, stop);
  const CatalogueEntry& entry = entry_of(name, "pull");
  if (entry.repository) return pull_repository(*entry.repository, progress, stop);
  if (auto pulled = present_entry(*this, entry)) return *pulled;
  home_.make(home_.locks());
  const FileLock lock =
      FileLock::take(pull_lock(entry.name),
                     fmt::format("pull {}: waiting for another process that pulls "
                                 "the same",
                                 name),
                     progress, stop);
  if (auto pulled = present_entry(*this, entry)) return *pulled;

  check_online(entry.name);
  const fs::path place = place_of(entry);
  home_.make(place.parent_path());
  const FetchRequest request{place.string() + ".part", entry.bytes, progress, stop};
  std::vector<Error> failures;
  for (const Source& source : entry.sources) {
    try {
      fetch_from(entry, source, request, place);
      return {place, entry.bytes, entry.sha256, describe(source), false};
    } catch (const Error& failure) {
      if (!only_this_source(failure)) throw;
      failures.push_back(failure);
      progress.note(fmt::format("pull {}: {}", name, failure.what()));
    }
  }
  fail_all(entry, place, failures);
}

}  // namespace pomona::hub
