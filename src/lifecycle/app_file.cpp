#include "lifecycle/app_file.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/error.h"
#include "base/text.h"
#include "base/toml.h"
#include "base/toml_keys.h"
#include "lifecycle/language.h"
#include "lifecycle/stage.h"

namespace pomona::lifecycle {
namespace {

constexpr std::array<std::string_view, 8> kTuneMethods = {
    "soft-prompt", "prefix", "lora", "rslora", "full", "freeze", "multi-task", "prompt"};

template <class List>
std::vector<std::string> strings_of(const List& list) {
  return {std::begin(list), std::end(list)};
}

void read_app(const TomlTable& root, AppFile& app) {
  const TomlTable table = root.table("app");
  app.name = filled(table, "name");
  app.use_case = table.get<std::string>("use_case", "write");
  check_use_case(app.use_case, table.where("use_case"));
  app.language = table.get<std::string>("language", "en");
  if (app.language.empty()) table.reject("language", "is empty; expected a code such as \"en\"");
}

/// A table of a stage that this version does not have, and the list in it that asks for work.
struct LaterTable {
  std::string_view name, list;
  std::string_view entry;                   // what an entry of the list is called
  std::span<const std::string_view> known;  // empty: anything
};

/// They may be there while they ask for nothing. A stage that is built takes its line from here.
constexpr std::array kLaterTables = {
    LaterTable{"tune", "methods", "tuning method", kTuneMethods},
};

/// Reads such a table and returns what it asks for first, or "".
std::string read_later_table(const TomlTable& root, const LaterTable& later) {
  std::string asked;
  const TomlTable table = root.table(later.name);
  const std::vector<std::string> known = strings_of(later.known);
  for (const std::string& entry : table.get<std::vector<std::string>>(later.list, {})) {
    if (!known.empty() && std::count(known.begin(), known.end(), entry) == 0) {
      const auto meant = nearest(entry, known);
      table.reject(later.list, "\"{}\" is no {}{}", entry, later.entry,
                   meant ? fmt::format("; did you mean \"{}\"?", *meant) : "");
    }
    if (asked.empty()) asked = fmt::format("{}: \"{}\"", table.where(later.list), entry);
  }
  for (const std::string& entry : known) {  // its own settings: [tune.lora]
    if (table.has(entry) && asked.empty()) asked = table.where(entry);
  }
  return asked;
}

/// Asks for every table before the first is read, so that none is taken for another misspelt.
void name_tables(const TomlTable& root) {
  root.table("app");
  for (const Stage* stage : stages()) {
    for (const std::string_view name : stage->tables) {
      if (!name.empty()) root.table(name);
    }
  }
  for (const LaterTable& later : kLaterTables) root.table(later.name);
}

}  // namespace

void check_use_case(std::string_view use_case, std::string_view where) {
  const std::vector<std::string> known = strings_of(kUseCases);
  if (std::count(known.begin(), known.end(), use_case) > 0) return;
  const auto meant = nearest(use_case, known);
  fail(ErrorKind::bad_argument, "{}: \"{}\" is no use case{}; there are: {}", where, use_case,
       meant ? fmt::format(", did you mean \"{}\"?", *meant) : "", fmt::join(known, ", "));
}

std::string method_name(std::int64_t shots) {
  if (shots == 0) return "zero-shot";
  if (shots == 1) return "one-shot";
  return fmt::format("{}-shot", shots);
}

metric::MetricOptions AppFile::options_for(std::string_view metric) const {
  metric::MetricOptions options;
  options.characters = metric::find_metric(metric).takes_characters && !has_latin_script(language);
  options.characters_by = "set [app] language";
  options.foreign_prediction_scores_zero = true;
  return options;
}

AppFile read_app_file(const fs::path& path,
                      const std::vector<std::pair<std::string, std::string>>& set) {
  std::error_code ignored;
  check_utf8(fs::absolute(path, ignored).string(), "run: the application file's path");
  TomlTable root = TomlTable::read(path);
  for (const auto& [key, value] : set) root.set(key, value);
  AppFile app;
  app.path = path;
  app.folder = path.parent_path();
  name_tables(root);
  read_app(root, app);
  for (const Stage* stage : stages()) {
    if (stage->read != nullptr) stage->read(root, app);
  }
  std::string missing;
  for (const LaterTable& later : kLaterTables) {
    const std::string asked = read_later_table(root, later);
    if (missing.empty()) missing = asked;
  }
  root.finish();
  if (!missing.empty())
    fail(ErrorKind::unsupported, "{}: this version cannot do that yet; it compares prompts only",
         missing);
  return app;
}

}  // namespace pomona::lifecycle
