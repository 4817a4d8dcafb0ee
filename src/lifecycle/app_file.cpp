#include "lifecycle/app_file.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/text.h"
#include "base/toml.h"
#include "base/toml_keys.h"
#include "lifecycle/language.h"
#include "lifecycle/stage.h"

namespace pomona::lifecycle {
namespace {

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

/// Asks for every table before the first is read, so that none is taken for another misspelt.
void name_tables(const TomlTable& root) {
  root.table("app");
  for (const Stage* stage : stages()) {
    for (const std::string_view name : stage->tables) {
      if (!name.empty()) root.table(name);
    }
  }
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
  root.finish();
  return app;
}

}  // namespace pomona::lifecycle
