// `pomona list`: the models that there are and those that could be fetched.
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
  if (row.entry != nullptr) {
    json["title"] = row.entry->title;
    json["architecture"] = row.entry->architecture;
    json["parameters"] = row.entry->parameters;
    json["licence"] = row.entry->licence;
    json["context"] = row.entry->context;
    json["languages"] = row.entry->languages;
  }
  if (row.entry == nullptr && !row.alias) json["in_hub_cache"] = row.cached;
  if (row.alias) json["alias_of"] = row.alias->model;
  return json;
}

std::vector<std::string> cells(const hub::ModelRow& row) {
  const std::string here = row.path    ? "here"
                           : row.alias ? "model missing"
                           : row.entry ? "to pull"
                                       : "pull not finished";
  if (row.entry == nullptr) {
    return {row.name,
            human_bytes(row.bytes),
            "",
            "",
            here,
            row.alias ? "promoted by run" : row.cached ? "in the hub's cache" : "from the hub"};
  }
  return {row.name,
          human_bytes(row.bytes),
          human_count(static_cast<double>(row.entry->parameters)),
          row.entry->licence,
          here,
          row.entry->title};
}

struct Options {
  bool names = false;
};

void list(const Options& options, Console& console) {
  const hub::ModelStore store;
  const std::vector<hub::ModelRow> rows = store.list();
  if (console.json) {
    Json models = Json::array();
    for (const hub::ModelRow& row : rows) models.push_back(to_json(row));
    console.print_json(Json{{"models", std::move(models)}});
  } else if (options.names) {
    for (const hub::ModelRow& row : rows) console.print(row.name + "\n");
  } else {
    Table table({"NAME", ">SIZE", ">WEIGHTS", "LICENCE", "", "WHAT"});
    for (const hub::ModelRow& row : rows) table.add(cells(row));
    console.print(table.text());
  }
}

Action prepare(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.flag("--names", options->names, "names alone, one a line, for scripts");
  return [options](Console& console) { list(*options, console); };
}

}  // namespace

extern const Command kList = {
    .name = "list",
    .group = Group::models,
    .summary = "models that are here, and those that can be pulled",
    .about =
        "Models of the catalogue first, then those pulled from other repositories of the hub and "
        "those that lie in the hub's own cache (see `pomona pull --help`), then the results that "
        "`pomona run` promoted. Entries of your own go into $POMONA_HOME/models.d/NAME.toml.",
    .examples = {{"pomona list", "a table"},
                 {"pomona list --json", "the same for programs, with paths"}},
    .prepare = prepare,
};

}  // namespace pomona::cli
