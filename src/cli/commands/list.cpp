// `pomona list`: the models that there are and those that could be fetched.
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>

#include "base/text.h"
#include "cli/command.h"
#include "cli/table.h"
#include "hub/model_store.h"

namespace pomona::cli {
namespace {

Json to_json(const hub::ModelRow& row) {
  Json json = {{"name", row.name},
               {"here", row.path.has_value()},
               {"bytes", row.bytes},
               {"path", row.path ? Json(row.path->string()) : Json()}};
  if (const hub::CatalogueEntry* entry = row.entry) {
    json["title"] = entry->title;
    json["architecture"] = entry->architecture;
    json["parameters"] = entry->parameters;
    json["licence"] = entry->licence;
    json["commercial"] = entry->commercial;
    json["context"] = entry->context;
    json["languages"] = entry->languages;
    json["uses"] = entry->uses;
    json["instruct"] = entry->instruct;
    json["thinks"] = entry->thinks;
    json["gated"] = entry->gated;
    json["released"] = entry->released;
    json["bytes_known"] = row.path || entry->bytes > 0;
    json["sha256"] = entry->sha256.empty() ? Json() : Json(entry->sha256);
  } else if (!row.alias) {
    json["loadable"] = row.obstacle.empty();
    if (!row.obstacle.empty()) json["obstacle"] = row.obstacle;
  }
  if (!row.alias) json["in_hub_cache"] = row.cached;
  if (row.alias) json["alias_of"] = row.alias->model;
  return json;
}

std::string state_of(const hub::ModelRow& row) {
  if (!row.obstacle.empty()) return "not loadable";
  if (row.path) return "here";
  if (row.alias) return "model missing";
  if (row.entry == nullptr) return "pull not finished";
  return row.entry->gated ? "to pull, gated" : "to pull";
}

/// "en", "en zh fr", or "en zh + 11".
std::string some_of(const std::vector<std::string>& languages) {
  constexpr std::size_t kMost = 3;
  if (languages.size() <= kMost) return fmt::format("{}", fmt::join(languages, " "));
  return fmt::format("{} {} + {}", languages[0], languages[1], languages.size() - 2);
}

/// What a model of the catalogue is for.
std::string uses_of(const hub::CatalogueEntry& entry) {
  if (!entry.instruct) return "continues text; to be tuned";
  return fmt::format("{}{}", fmt::join(entry.uses, " "),
                     entry.thinks ? "; thinks before it answers" : "");
}

std::vector<std::string> cells(const hub::ModelRow& row) {
  if (row.entry == nullptr) {
    return {row.name,
            human_bytes(row.bytes),
            "",
            "",
            "",
            state_of(row),
            "",
            row.alias ? "promoted by run" : row.cached ? "in the hub's cache" : "from the hub"};
  }
  const hub::CatalogueEntry& entry = *row.entry;
  const bool known = row.path || entry.bytes > 0;
  return {row.name,
          (known ? "" : "~ ") + human_bytes(row.bytes),
          human_count(static_cast<double>(entry.parameters)),
          fmt::format("{}", entry.context),
          entry.licence,
          state_of(row),
          some_of(entry.languages),
          uses_of(entry)};
}

struct Options {
  bool names = false, here = false;
};

void print_table(std::vector<hub::ModelRow> rows, Console& console) {
  std::ranges::stable_partition(rows, [](const auto& row) { return row.path.has_value(); });
  Table table({"NAME", ">SIZE", ">WEIGHTS", ">CONTEXT", "LICENCE", "", "LANGUAGES", "FOR"});
  for (const hub::ModelRow& row : rows) table.add(cells(row));
  console.print(table.text());
}

void list(const Options& options, Console& console) {
  const hub::ModelStore store;
  std::vector<hub::ModelRow> rows = store.list();
  if (options.here) std::erase_if(rows, [](const auto& row) { return !row.path; });
  if (console.json) {
    Json models = Json::array();
    for (const hub::ModelRow& row : rows) models.push_back(to_json(row));
    console.print_json(Json{{"models", std::move(models)}});
  } else if (options.names) {
    for (const hub::ModelRow& row : rows) console.print(row.name + "\n");
  } else {
    print_table(std::move(rows), console);
  }
}

Action prepare(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.flag("--here", options->here, "only those that are on this computer");
  arguments.flag("--names", options->names, "names alone, one a line, for scripts");
  return [options](Console& console) { list(*options, console); };
}

}  // namespace

extern const Command kList = {
    .name = "list",
    .group = Group::models,
    .summary = "models that are here, and those that can be pulled",
    .about =
        "What is on this computer comes first: models of the catalogue, those pulled from other "
        "repositories of the hub, those in the hub's own cache (see `pomona pull --help`) and the "
        "results that `pomona run` promoted. Then the rest of the catalogue. A size with ~ is "
        "worked out from the number of weights. FOR names the use cases of application files that "
        "a model is good for; one that is gated wants an account of the hub that has accepted its "
        "terms (HF_TOKEN). Entries of your own go into $POMONA_HOME/models.d/NAME.toml.",
    .examples = {{"pomona list", "a table"},
                 {"pomona list --here", "what needs no download"},
                 {"pomona list --json", "the same for programs, with paths"}},
    .prepare = prepare,
};

}  // namespace pomona::cli
