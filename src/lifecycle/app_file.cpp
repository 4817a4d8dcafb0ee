#include "lifecycle/app_file.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/text.h"
#include "base/toml.h"
#include "lifecycle/language.h"

namespace pomona::lifecycle {
namespace {

constexpr std::array<std::string_view, 8> kTuneMethods = {
    "soft-prompt", "prefix", "lora", "rslora", "full", "freeze", "multi-task", "prompt"};
/// Known before the first is read, so that one of them is never taken for another misspelt.
constexpr std::array<std::string_view, 9> kTables = {
    "app", "model", "data", "prompt", "tune", "evaluate", "gate", "compress", "serve"};
constexpr std::int64_t kMostShots = 64;
constexpr std::int64_t kMostNewTokens = 1 << 20;

template <class List>
std::vector<std::string> strings_of(const List& list) {
  return {std::begin(list), std::end(list)};
}

/// "2 GB", "800MB", "1.5 GiB", or a number of bytes.
std::uint64_t parse_size(const TomlTable& table, std::string_view key, std::string_view text) {
  const std::string_view whole = trim(text);
  std::size_t used = 0;
  double value = -1;
  try {
    value = std::stod(std::string(whole), &used);
  } catch (const std::exception&) {
    used = 0;
  }
  static const std::map<std::string_view, double> kUnits = {
      {"", 1},        {"B", 1},     {"kB", 1e3},   {"KB", 1e3},      {"MB", 1e6},
      {"GB", 1e9},    {"TB", 1e12}, {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824},
      {"TiB", 0x1p40}};
  const auto unit = kUnits.find(trim(whole.substr(used)));
  if (used == 0 || unit == kUnits.end() || !std::isfinite(value) || value <= 0 ||
      value * unit->second >= 0x1p63)
    table.reject(key, "\"{}\" is no size such as \"2 GB\" or \"800 MB\"", text);
  return static_cast<std::uint64_t>(value * unit->second);
}

bool looks_like_path(const fs::path& folder, const std::string& base) {
  std::error_code ignored;
  return base.find('/') != std::string::npos || base.ends_with(".gguf") ||
         fs::is_regular_file(folder / base / "config.json", ignored);
}

std::string filled(const TomlTable& table, std::string_view key) {
  std::string value = table.get<std::string>(key);
  if (trim(value).empty()) table.reject(key, "is empty");
  return value;
}

template <class T>
T ranged(const TomlTable& table, std::string_view key, T value, T low, T high) {
  if (!(value >= low && value <= high))
    table.reject(key, "{} is outside {} to {}", value, low, high);
  return value;
}

void read_app(const TomlTable& root, AppFile& app) {
  const TomlTable table = root.table("app");
  app.name = filled(table, "name");
  app.use_case = table.get<std::string>("use_case", "write");
  check_use_case(app.use_case, table.where("use_case"));
  app.language = table.get<std::string>("language", "en");
  if (app.language.empty()) table.reject("language", "is empty; expected a code such as \"en\"");
}

void read_model(const TomlTable& root, AppFile& app) {
  const TomlTable table = root.table("model");
  app.base = table.get<std::string>("base", "auto");
  if (app.base.empty()) table.reject("base", "is empty; expected a model, or \"auto\"");
  app.base_is_path = looks_like_path(app.folder, app.base);
  if (app.base_is_path) app.base = fs::absolute(app.folder / app.base).lexically_normal().string();
  if (const auto memory = table.find<std::string>("max_memory"))
    app.max_memory = parse_size(table, "max_memory", *memory);
  if (const auto speed = table.find<double>("min_speed"))
    app.min_speed = ranged(table, "min_speed", *speed, 0.0, 1e9);
  app.licences = table.get<std::vector<std::string>>("licences", {});
}

void read_data(const TomlTable& root, AppFile& app) {
  const TomlTable table = root.table("data");
  const auto file = [&](std::string_view key) {
    const auto value = table.find<std::string>(key);
    if (value && value->empty()) table.reject(key, "is empty; expected the path of a file");
    return value ? (app.folder / *value).lexically_normal() : fs::path();
  };
  app.train = file("train");
  app.valid = file("valid");
  app.test = file("test");
  app.input = filled(table, "input");
  app.output = filled(table, "output");
  if (app.input == app.output)
    table.reject("output", "is the same column as the input, \"{}\"", app.input);
  if (app.test.empty()) table.missing("test", "expected the file of rows that confirm the result");
  for (const auto& [a, b, key] :
       {std::tuple(app.train, app.test, "test"), std::tuple(app.valid, app.test, "test"),
        std::tuple(app.train, app.valid, "valid")}) {
    if (!a.empty() && a == b)
      table.reject(key, "is the same file as another split; rows seen before prove nothing");
  }
}

void read_prompt(const TomlTable& root, AppFile& app) {
  const TomlTable table = root.table("prompt");
  app.instruction = filled(table, "instruction");
  if (app.instruction.find("{input}") == std::string::npos)
    table.reject("instruction", "does not contain {{input}}, the place of the row's text");
  const auto shots = table.get<std::vector<std::int64_t>>("shots", {0});
  app.shots = {0};
  for (const std::int64_t count : shots) {
    ranged<std::int64_t>(table, "shots", count, 0, kMostShots);
    if (std::count(shots.begin(), shots.end(), count) > 1)
      table.reject("shots", "{} stands there twice", count);
    if (count != 0) app.shots.push_back(count);
  }
  if (std::count(shots.begin(), shots.end(), 0) == 0)
    app.notes.push_back(
        "zero-shot is evaluated too, though [prompt] shots does not name 0: methods are compared "
        "with it");
  app.seed = static_cast<std::uint64_t>(
      ranged<std::int64_t>(table, "seed", table.get<std::int64_t>("seed", 1), 0, INT64_MAX));
  const TomlTable data = root.table("data");
  if (app.shots.size() > 1 && app.train.empty())
    data.missing("train", "the examples in a prompt come from it");
  if (app.shots.size() > 1 && app.valid.empty())
    data.missing("valid", "with several methods it picks the best one");
}

void read_evaluate(const TomlTable& root, AppFile& app) {
  const TomlTable table = root.table("evaluate");
  app.metrics = table.get<std::vector<std::string>>("metrics", {"rouge"});
  if (app.metrics.empty()) table.reject("metrics", "is empty; expected for example [\"rouge\"]");
  for (const std::string& name : app.metrics) {
    if (std::count(app.metrics.begin(), app.metrics.end(), name) > 1)
      table.reject("metrics", "{} stands there twice", name);
    try {
      metric::find_metric(name);
    } catch (const Error& error) {
      table.reject("metrics", "{}", error.what());
    }
  }
  if (const auto limit = table.find<std::int64_t>("limit"))
    app.limit =
        static_cast<std::size_t>(ranged<std::int64_t>(table, "limit", *limit, 1, INT64_MAX));
  app.max_new_tokens = ranged<std::int64_t>(
      table, "max_new_tokens", table.get<std::int64_t>("max_new_tokens", 128), 1, kMostNewTokens);
}

void read_gate(const TomlTable& root, AppFile& app) {
  const TomlTable table = root.table("gate");
  std::vector<std::string> scores;
  for (const std::string& name : app.metrics) {
    for (const std::string_view score : metric::find_metric(name).scores)
      scores.emplace_back(score);
  }
  const bool has_rouge = std::count(scores.begin(), scores.end(), "rougeL") > 0;
  app.gate_metric = table.get<std::string>("metric", has_rouge ? "rougeL" : scores.front());
  if (std::count(scores.begin(), scores.end(), app.gate_metric) == 0) {
    const auto meant = nearest(app.gate_metric, scores);
    table.reject("metric", "\"{}\" is no score of [evaluate] metrics{}; there are: {}",
                 app.gate_metric, meant ? fmt::format(", did you mean \"{}\"?", *meant) : "",
                 fmt::join(scores, ", "));
  }
  app.significance = table.get<double>("significance", 0.05);
  if (!(app.significance > 0 && app.significance < 1))
    table.reject("significance", "{} is not between 0 and 1", app.significance);
  if (const auto forgetting = table.find<double>("max_forgetting"))
    ranged(table, "max_forgetting", *forgetting, 0.0, 1.0);
}

void read_serve(const TomlTable& root, AppFile& app) {
  const TomlTable table = root.table("serve");
  app.alias = table.get<std::string>("alias", app.name);
  if (app.alias.empty() || app.alias.front() == '-' || app.alias.front() == '.' ||
      app.alias.find('/') != std::string::npos || app.alias.ends_with(".gguf"))
    table.reject("alias",
                 "\"{}\" is no name for a model: it must not be empty, start with - or .,"
                 " contain / or end with .gguf",
                 app.alias);
  if (const auto port = table.find<int>("port")) {
    app.port = ranged(table, "port", *port, 1, 65535);
    app.notes.push_back(fmt::format(
        "[serve] port {}: this version has no server yet, so nothing is served", *port));
  }
}

/// Reads [tune] and [compress] and returns what they ask for that there is not, or "".
std::string read_later_stages(const TomlTable& root) {
  std::string asked;
  const TomlTable tune = root.table("tune");
  const std::vector<std::string> known = strings_of(kTuneMethods);
  for (const std::string& method : tune.get<std::vector<std::string>>("methods", {})) {
    if (std::count(known.begin(), known.end(), method) == 0) {
      const auto meant = nearest(method, known);
      tune.reject("methods", "\"{}\" is no tuning method{}", method,
                  meant ? fmt::format("; did you mean \"{}\"?", *meant) : "");
    }
    if (asked.empty()) asked = tune.where("methods") + ": \"" + method + "\"";
  }
  for (const std::string& method : known) {
    if (tune.has(method) && asked.empty()) asked = tune.where(method);
  }
  const TomlTable compress = root.table("compress");
  for (const std::string& type : compress.get<std::vector<std::string>>("types", {})) {
    if (asked.empty()) asked = compress.where("types") + ": \"" + type + "\"";
  }
  return asked;
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
  for (const std::string_view table : kTables) root.table(table);
  read_app(root, app);
  read_model(root, app);
  read_data(root, app);
  read_prompt(root, app);
  read_evaluate(root, app);
  read_gate(root, app);
  read_serve(root, app);
  const std::string missing = read_later_stages(root);
  root.finish();
  if (!missing.empty())
    fail(ErrorKind::unsupported, "{}: this version cannot do that yet; it compares prompts only",
         missing);
  return app;
}

}  // namespace pomona::lifecycle
