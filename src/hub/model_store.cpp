#include "hub/model_store.h"

#include <algorithm>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/file_lock.h"
#include "base/text.h"
#include "hub/model_path.h"
#include "store/hub_folder.h"

namespace pomona::hub {
namespace {

bool looks_like_path(std::string_view model) {
  return model.find('/') != std::string_view::npos || model.ends_with(".gguf") || model == "." ||
         model == "..";
}

bool is_below(const fs::path& path, const fs::path& folder) {
  const fs::path relative = path.lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

Alias read_alias(const db::Statement& row, const fs::path& database) {
  Alias alias;
  alias.name = row.text(0);
  alias.model = row.text(1);
  if (!row.is_null(2)) alias.artefact = row.text(2);
  alias.settings = parse_json(row.text(3), database.string());
  alias.created = row.text(4);
  if (!row.is_null(5)) alias.adapter = row.text(5);
  return alias;
}

}  // namespace

const fs::path& path_without_adapter(const ResolvedModel& model, std::string_view operation) {
  if (model.adapter)
    fail(ErrorKind::unsupported,
         "{}: {} is a model with an adapter beside it; `pomona merge {} FILE` makes one of both",
         operation, model.name, model.name);
  return model.path;
}

ModelStore::ModelStore(Home home) : home_(std::move(home)), catalogue_(home_) {}

fs::path ModelStore::place_of(const CatalogueEntry& entry) const {
  return home_.models() / entry.name / entry.file;
}

std::optional<fs::path> ModelStore::path_of(const CatalogueEntry& entry) const {
  if (entry.repository) return path_of(*entry.repository);
  if (fs::path place = place_of(entry); home_.has(place)) return place;
  for (const Source& source : entry.sources) {
    const auto* hub = std::get_if<HubSource>(&source);
    if (hub == nullptr) continue;
    if (auto cached = find_cached_file(hub->repo, hub->file, entry.sha256)) return cached;
  }
  return std::nullopt;
}

fs::path ModelStore::pull_lock(std::string_view folder) const {
  return home_.locks() / fmt::format("pull-{}", folder);
}

std::string ModelStore::suggestion(std::string_view name, bool with_aliases) const {
  std::vector<std::string> known;
  for (const CatalogueEntry& entry : catalogue_.entries()) known.push_back(entry.name);
  if (with_aliases) {
    for (const Alias& alias : aliases()) known.push_back(alias.name);
  }
  if (const auto meant = nearest(name, known)) return fmt::format("did you mean {}?", *meant);
  return "`pomona list` shows what there is";
}

const CatalogueEntry& ModelStore::entry_of(std::string_view name,
                                           std::string_view operation) const {
  if (const CatalogueEntry* entry = catalogue_.find(name)) return *entry;
  fail(ErrorKind::not_found, "{}: the catalogue has no model {}; {}", operation, name,
       suggestion(name, false));
}

std::vector<ModelRow> ModelStore::list() const {
  std::vector<ModelRow> rows;
  for (const CatalogueEntry& entry : catalogue_.entries()) {
    ModelRow row;
    row.name = entry.name;
    row.entry = &entry;
    row.path = path_of(entry);
    row.bytes = row.path ? model_bytes(*row.path) : entry.size();
    row.cached = row.path && !is_below(*row.path, home_.models());
    rows.push_back(std::move(row));
  }
  list_repositories(rows);
  for (const Alias& alias : aliases()) {
    ModelRow row;
    row.name = alias.name;
    row.alias = alias;
    try {
      row.path = resolve_alias(alias).path;
      row.bytes = model_bytes(*row.path);
    } catch (const Error&) {
      row.path.reset();  // listed all the same: its name is taken
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

ResolvedModel ModelStore::resolve(std::string_view model) const {
  if (const CatalogueEntry* entry = catalogue_.find(model)) {
    const auto path = path_of(*entry);
    if (!path)
      fail(ErrorKind::not_found, "model {0}: not on this computer yet; run `pomona pull {0}` ({1})",
           model, human_bytes(entry->size()));
    return {entry->name, *path, entry->name, nullptr};
  }
  const auto repository = parse_repository_name(model);
  if (repository && !is_there(model)) return resolve_repository(*repository);
  if (!looks_like_path(model)) {
    if (const auto alias = find_alias(model)) return resolve_alias(*alias);
    std::error_code ignored;
    if (!fs::is_regular_file(fs::path(model) / store::kConfigFile, ignored))
      fail(ErrorKind::not_found,
           "model {}: no model or alias has this name, and no folder with config.json; {}", model,
           suggestion(model, true));
  }
  check_model_path(model);
  return {std::string(model), fs::path(model), "", nullptr};
}

ResolvedModel ModelStore::resolve_alias(const Alias& alias) const {
  ResolvedModel resolved;
  const CatalogueEntry* entry = alias.artefact ? nullptr : catalogue_.find(alias.model);
  const auto repository = alias.artefact ? std::nullopt : parse_repository_name(alias.model);
  if (alias.artefact) {
    resolved.path = home_.artefact(*alias.artefact) / alias.model;
  } else if (entry != nullptr) {
    resolved.path = path_of(*entry).value_or(alias.model);
    resolved.base = entry->name;
  } else if (repository) {
    resolved.path = resolve_repository(*repository).path;
  } else {
    resolved.path = alias.model;
  }
  if (!is_there(resolved.path))
    fail(ErrorKind::not_found, "model {}: stands for {}, which is not there any more; {}",
         alias.name, resolved.path.string(),
         entry != nullptr ? fmt::format("run `pomona pull {}`", entry->name)
                          : "run its application file again");
  check_model_path(resolved.path);
  if (alias.adapter) {
    resolved.adapter = home_.artefact(*alias.adapter) / kAdapterFolder;
    if (!is_there(*resolved.adapter))
      fail(ErrorKind::not_found,
           "model {}: its adapter {} is not there any more; run its application file again",
           alias.name, resolved.adapter->string());
  }
  resolved.name = alias.name;
  resolved.settings = alias.settings;
  return resolved;
}

std::uint64_t ModelStore::remove(std::string_view name) {
  if (find_alias(name)) {
    home_.open_database().run("DELETE FROM aliases WHERE name = ?", name);
    return 0;
  }
  if (const auto repository = parse_repository_name(name);
      repository && catalogue_.find(name) == nullptr)
    return remove_repository(*repository);
  if (looks_like_path(name))
    fail(ErrorKind::bad_argument,
         "rm: {} is a path; this removes models of the store by name, see `pomona list`", name);
  const CatalogueEntry* entry = catalogue_.find(name);
  if (entry == nullptr)
    fail(ErrorKind::not_found, "rm: no model or alias {}; {}", name, suggestion(name, true));
  for (const Alias& alias : aliases()) {
    if (!alias.artefact && alias.model == name)
      fail(ErrorKind::bad_argument, "rm: {} is what {} stands on; first `pomona rm {}`", name,
           alias.name, alias.name);
  }
  if (entry->repository) return remove_repository(*entry->repository);
  const fs::path folder = place_of(*entry).parent_path();
  if (!home_.has(folder)) fail(ErrorKind::not_found, "rm: {} is not on this computer", name);
  const auto lock = FileLock::try_take(pull_lock(entry->name));
  if (!lock) fail(ErrorKind::io, "rm: {} is being pulled by another process", name);
  const std::uint64_t bytes = folder_bytes(folder);
  std::error_code error;
  fs::remove_all(folder, error);
  if (error) fail_io("rm", folder, error.value());
  return bytes;
}

void ModelStore::set_alias(const Alias& alias) {
  if (alias.name.empty() || alias.name.front() == '-' || alias.name.front() == '.' ||
      looks_like_path(alias.name) || find_invalid_utf8(alias.name))
    fail(ErrorKind::bad_argument, "alias \"{}\": expected a name, not a path or an option",
         alias.name);
  if (catalogue_.find(alias.name))
    fail(ErrorKind::bad_argument,
         "alias {}: a model of the catalogue has this name; choose another", alias.name);
  home_.open_database().run(
      "INSERT OR REPLACE INTO aliases (name, model, artefact, settings, created, adapter) "
      "VALUES (?, ?, ?, ?, ?, ?)",
      alias.name, alias.model, alias.artefact, alias.settings.dump(),
      alias.created.empty() ? utc_now() : alias.created, alias.adapter);
}

std::optional<Alias> ModelStore::find_alias(std::string_view name) const {
  const std::vector<Alias> all = aliases();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Alias& alias) { return alias.name == name; });
  return found == all.end() ? std::nullopt : std::optional(*found);
}

std::vector<Alias> ModelStore::aliases() const {
  if (!home_.has(home_.database_path())) return {};
  db::Database database = home_.open_database();
  db::Statement rows = database.query(
      "SELECT name, model, artefact, settings, created, adapter FROM aliases ORDER BY name");
  std::vector<Alias> all;
  while (rows.step()) all.push_back(read_alias(rows, home_.database_path()));
  return all;
}

}  // namespace pomona::hub
