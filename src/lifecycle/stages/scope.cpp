// scope: what the application is, and whether its data can carry it.
#include <algorithm>
#include <tuple>
#include <unordered_set>

#include "base/error.h"
#include "base/toml_keys.h"
#include "lifecycle/language.h"
#include "lifecycle/outputs.h"
#include "lifecycle/stage.h"
#include "text/unicode.h"

namespace pomona::lifecycle {
namespace {

/// [data]
void scope_read(const TomlTable& root, AppFile& app) {
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

Json lengths(std::vector<std::size_t> characters) {
  std::sort(characters.begin(), characters.end());
  return {{"median", characters[characters.size() / 2]}, {"longest", characters.back()}};
}

Json describe(const std::vector<Row>& rows, std::size_t in_file) {
  std::vector<std::size_t> inputs, outputs;
  std::size_t empty = 0;
  for (const Row& row : rows) {
    inputs.push_back(store::count_characters(row.input));
    outputs.push_back(store::count_characters(row.output));
    empty += row.output.empty() ? 1 : 0;
  }
  return {{"rows", rows.size()},
          {"rows_in_file", in_file},
          {"input_characters", lengths(std::move(inputs))},
          {"output_characters", lengths(std::move(outputs))},
          {"empty_outputs", empty}};
}

/// Rows of `later` whose input also stands in `earlier`.
std::size_t overlap(const std::vector<Row>& earlier, const std::vector<Row>& later) {
  std::unordered_set<std::string_view> seen;
  for (const Row& row : earlier) seen.insert(row.input);
  return static_cast<std::size_t>(std::count_if(
      later.begin(), later.end(), [&](const Row& row) { return seen.contains(row.input); }));
}

/// Fails now, not after an hour, if a reference cannot be scored.
void check_references(Run& run, Split split) {
  for (const std::string& name : run.app.metrics) {
    metric::MetricOptions options = run.app.options_for(name);
    for (const Row& row : run.rows(split)) {
      options.first_row = row.number;
      try {
        metric::score(name, options, {&row.output, 1}, {&row.output, 1});
      } catch (const Error& error) {
        fail(error.kind(), "{}: \"{}\": {}", run.file_of(split).string(), run.app.output,
             error.what());
      }
    }
  }
}

/// Warns of references that the metrics would read in part only.
void check_script(Run& run, Split split, Json& warnings) {
  ScriptCounts letters;
  for (const Row& row : run.rows(split))
    text::each_code_point(row.output, [&](char32_t c, std::string_view) { letters.add(c); });
  const std::string language = letters.language();
  const bool matters = std::ranges::any_of(run.app.metrics, [](const std::string& name) {
    return metric::find_metric(name).takes_characters;
  });
  if (!matters || !has_latin_script(run.app.language) || has_latin_script(language)) return;
  warnings.push_back(
      fmt::format("{}: \"{}\" is written as in language \"{}\", but only its Latin letters and "
                  "digits are scored, since [app] language is \"{}\"",
                  name_of(split), run.app.output, language, run.app.language));
}

std::vector<Split> named_splits(const Run& run) {
  std::vector<Split> named;
  for (const Split split : {Split::train, Split::valid, Split::test}) {
    if (!run.file_of(split).empty()) named.push_back(split);
  }
  return named;
}

Json look_at_data(Run& run) {
  Json splits = Json::object();
  Json warnings = Json::array();
  const std::vector<Split> named = named_splits(run);
  for (std::size_t i = 0; i < named.size(); ++i) {
    const std::string split(name_of(named[i]));
    const std::vector<Row>& rows = run.rows(named[i]);
    if (named[i] != Split::train) {
      check_references(run, named[i]);
      check_script(run, named[i], warnings);
    }
    Json found = describe(rows, run.rows_in_file(named[i]));
    if (found.at("empty_outputs").get<std::size_t>() > 0)
      warnings.push_back(fmt::format("{}: {} of {} rows have an empty \"{}\"", split,
                                     found.at("empty_outputs").get<std::size_t>(), rows.size(),
                                     run.app.output));
    for (std::size_t j = 0; j < i; ++j) {
      const std::size_t shared = overlap(run.rows(named[j]), rows);
      if (shared > 0)
        warnings.push_back(
            fmt::format("{} of {} {} rows also stand in {}: scores on them flatter every method "
                        "that learns from it",
                        shared, rows.size(), split, name_of(named[j])));
    }
    splits[split] = std::move(found);
  }
  if (run.rows(Split::test).size() < 30)
    warnings.push_back(
        fmt::format("only {} test row{}: intervals will be wide, few gains can be significant",
                    run.rows(Split::test).size(), run.rows(Split::test).size() == 1 ? "" : "s"));
  return {{"use_case", run.app.use_case},
          {"language", run.app.language},
          {"splits", std::move(splits)},
          {"warnings", std::move(warnings)}};
}

std::vector<std::string> notes_of(const Json& found) {
  return found.at("warnings").get<std::vector<std::string>>();
}

std::vector<Job> scope_jobs(Run& run) {
  Job job{.id = "scope", .name = "", .key = {}, .predict = {}, .make = {}};
  job.key = {"scope",
             2,
             {{"use_case", run.app.use_case},
              {"language", run.app.language},
              {"input", run.app.input},
              {"output", run.app.output},
              {"metrics", run.app.metrics},
              {"limit", run.app.limit.value_or(0)}},
             {}};
  for (const Split split : named_splits(run))
    job.key.inputs.emplace(name_of(split), run.hash_of(split));
  job.predict = [&run] {
    const Json found = look_at_data(run);
    Cost cost;
    cost.seconds = 0.1;
    std::vector<std::string> counts;
    for (const auto& [split, facts] : found.at("splits").items())
      counts.push_back(fmt::format("{} {}", split, shown_rows(facts)));
    cost.what = fmt::format("rows: {}", fmt::join(counts, ", "));
    cost.notes = notes_of(found);
    return cost;
  };
  job.make = [&run](hub::Draft&) { return look_at_data(run); };
  return {std::move(job)};
}

void scope_settle(Run& run) {
  const std::vector<std::string> notes = notes_of(run.artefact("scope").meta);
  run.notes.insert(run.notes.end(), notes.begin(), notes.end());
}

}  // namespace

extern const Stage kScope = {.name = "scope",
                             .tables = {"data"},
                             .read = scope_read,
                             .jobs = scope_jobs,
                             .settle = scope_settle};

}  // namespace pomona::lifecycle
