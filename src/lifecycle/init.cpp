#include "lifecycle/init.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <tuple>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "hub/catalogue.h"
#include "lifecycle/app_file.h"
#include "lifecycle/auto_choice.h"
#include "lifecycle/init_guess.h"
#include "lifecycle/init_splits.h"
#include "lifecycle/init_template.h"
#include "lifecycle/outputs.h"
#include "lifecycle/prompt_sizes.h"

namespace pomona::lifecycle {
namespace {

// What an instruction can list.
constexpr std::size_t kMostLabels = 100;
constexpr std::size_t kMostLabelCharacters = 2000;

void refuse_to_replace(const fs::path& path, bool force) {
  std::error_code ignored;
  if (!force && fs::exists(path, ignored))
    fail(ErrorKind::bad_argument, "init: {} is there already; --force replaces it", path.string());
}

ColumnTable look_at_columns(const fs::path& data) {
  ColumnTable table;
  store::read_records(data, [&](const store::Record& record) {
    table.add(record);
    return true;
  });
  if (table.rows() == 0) fail(ErrorKind::bad_file, "init: {}: no rows", data.string());
  return table;
}

/// Collects the rows with input and output, and fills the blanks that depend on them.
CompleteRows collect(const fs::path& data, ApplicationBlanks& blanks) {
  CompleteRows complete;
  const bool is_list = store::format_of(data) == store::DataFormat::json;
  const auto value = [](const store::Record& record,
                        const std::string& column) -> std::string_view {
    const auto at = std::find(record.names.begin(), record.names.end(), column);
    if (at == record.names.end()) return "";
    return record.values[static_cast<std::size_t>(at - record.names.begin())];
  };
  store::read_records(data, [&](const store::Record& record) {
    const std::string_view input = value(record, blanks.roles.input);
    const std::string output(value(record, blanks.roles.output));
    if (trim(input).empty() || trim(output).empty()) return true;
    blanks.longest_output =
        std::max<std::uint64_t>(blanks.longest_output, store::count_characters(output));
    if (blanks.labels.size() <= kMostLabels &&
        std::find(blanks.labels.begin(), blanks.labels.end(), output) == blanks.labels.end())
      blanks.labels.push_back(output);
    // An element of a JSON list may span lines; JSON Lines are written from it.
    complete.bytes.push_back(is_list ? record.object.dump() : std::string(record.bytes));
    complete.inputs.emplace_back(input);
    return true;
  });
  std::sort(blanks.labels.begin(), blanks.labels.end());
  return complete;
}

/// Labels that are too many for an instruction are not listed at all: a part of them would forbid
/// the others.
void drop_long_labels(ApplicationBlanks& blanks, InitOutcome& outcome) {
  std::size_t characters = 0;
  for (const std::string& label : blanks.labels) characters += store::count_characters(label);
  if (blanks.labels.size() <= kMostLabels && characters <= kMostLabelCharacters) return;
  blanks.labels.clear();
  if (blanks.use_case == "analyze")
    outcome.notes.push_back(
        fmt::format("the different values of \"{}\" are too many to list in the instruction; add "
                    "there what the model should know of them",
                    blanks.roles.output));
}

std::string header_line(const fs::path& data) {
  const MappedFile file(data);
  const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()),
                              file.bytes().size());
  return std::string(store::header_of(text, store::format_of(data)));
}

/// The application is called as the file; as its folder if the file is only called train.
std::string application_name(const fs::path& data) {
  std::string name = data.stem().string();
  if (std::find(kSplitNames.begin(), kSplitNames.end(), name) != kSplitNames.end())
    name = fs::absolute(data).lexically_normal().parent_path().filename().string();
  while (!name.empty() && (name.front() == '.' || name.front() == '-')) name.erase(0, 1);
  return name.empty() ? "application" : name;
}

std::vector<InitColumn> columns_of(const ColumnTable& table, const Roles& roles) {
  std::vector<InitColumn> columns;
  for (const ColumnFacts& column : table.columns()) {
    const std::string role = column.name == roles.input    ? "input"
                             : column.name == roles.output ? "output"
                                                           : "";
    columns.push_back(
        {column.name, role, column.filled, column.mean_characters(), column.distinct.size()});
  }
  return columns;
}

/// Existing split files, or new ones cut from `data`; nothing is written yet.
SplitFiles find_splits(const fs::path& data, bool force, ApplicationBlanks& blanks,
                       InitOutcome& outcome) {
  const CompleteRows complete = collect(data, blanks);
  drop_long_labels(blanks, outcome);
  if (auto files = existing_splits(data, blanks.roles.input, blanks.roles.output)) {
    outcome.notes.push_back(fmt::format("{}, {} and {} lie side by side and are used as they are",
                                        files->names[0], files->names[1], files->names[2]));
    return std::move(*files);
  }
  SplitFiles files = cut_into_splits(data, header_line(data), complete);
  for (const std::string& name : files.names) refuse_to_replace(data.parent_path() / name, force);
  if (complete.bytes.size() < outcome.rows)
    outcome.notes.push_back(fmt::format("{} rows without \"{}\" or \"{}\" are left out",
                                        outcome.rows - complete.bytes.size(), blanks.roles.input,
                                        blanks.roles.output));
  return files;
}

/// Writes all of them or none: they get their names when all are on the disk.
void write_together(const std::vector<std::pair<fs::path, std::string>>& texts) {
  std::vector<std::unique_ptr<AtomicFile>> files;
  for (const auto& [path, text] : texts) {
    files.push_back(std::make_unique<AtomicFile>(path));
    files.back()->write(text);
    files.back()->flush();
  }
  for (const auto& file : files) file->commit();
}

/// Whether "auto" could take a model of the catalogue on some computer.
bool auto_finds_one(const std::vector<hub::CatalogueEntry>& entries,
                    const ApplicationBlanks& blanks) {
  Demands demands;
  demands.use_case = blanks.use_case;
  demands.language = blanks.language;
  demands.tokens = demands.usual_tokens = kUsualTokens;
  demands.most_memory = std::numeric_limits<std::uint64_t>::max();
  const auto nothing_here = [](const auto&) { return false; };
  return consider(entries, demands, nothing_here).front().fits();
}

/// Where "auto" would find nothing, the application file names the smallest model that follows
/// instructions, one that knows the language if there is one, so that it runs.
void choose_base(const hub::Catalogue& catalogue, ApplicationBlanks& blanks, InitOutcome& outcome) {
  const std::vector<hub::CatalogueEntry>& entries = catalogue.entries();
  if (entries.empty() || auto_finds_one(entries, blanks)) return;
  const auto rank = [&](const hub::CatalogueEntry& entry) {
    return std::tuple(!entry.instruct, entry.gated, !entry.knows(blanks.language),
                      entry.parameters);
  };
  const hub::CatalogueEntry& named = *std::ranges::min_element(entries, {}, rank);
  blanks.base = named.name;
  outcome.notes.push_back(fmt::format(
      "\"auto\" would take no model of the catalogue for use case {} in language {}: app.toml "
      "names {}, {}; put a model of your own there as [model] base",
      blanks.use_case, blanks.language, named.name,
      !named.knows(blanks.language) ? "whose answers will be poor"
      : named.thinks
          ? "which needs a greater max_new_tokens, since it writes its thoughts down first"
          : "which was not made for that"));
}

}  // namespace

InitOutcome init_application(const fs::path& data, const InitOptions& options) {
  if (options.use_case) check_use_case(*options.use_case, "--use-case");
  std::error_code ignored;
  check_utf8(fs::absolute(data, ignored).string(), "init: the data file's path");
  InitOutcome outcome;
  outcome.path = data.parent_path() / "app.toml";
  const ColumnTable table = look_at_columns(data);
  refuse_to_replace(outcome.path, options.force);
  ApplicationBlanks blanks;
  blanks.data = data.filename().string();
  blanks.name = application_name(data);
  blanks.roles =
      guess_roles(table, {options.input.value_or(""), options.output.value_or("")}, data.string());
  blanks.use_case = options.use_case.value_or(guess_use_case(table, blanks.roles));
  blanks.language = table.find(blanks.roles.output)->scripts.language();
  choose_base(hub::Catalogue(options.home), blanks, outcome);
  outcome.rows = table.rows();
  outcome.use_case = blanks.use_case;
  outcome.language = blanks.language;
  outcome.columns = columns_of(table, blanks.roles);
  const SplitFiles files = find_splits(data, options.force, blanks, outcome);
  outcome.train = files.rows[0];
  outcome.valid = files.rows[1];
  outcome.test = files.rows[2];
  std::vector<std::pair<fs::path, std::string>> texts;
  for (std::size_t i = 0; i < files.names.size(); ++i) {
    if (!files.texts[i].empty())
      texts.emplace_back(data.parent_path() / files.names[i], files.texts[i]);
  }
  texts.emplace_back(outcome.path, application_text(blanks, files));
  write_together(texts);
  for (const auto& [path, text] : texts) outcome.written.push_back(path);
  return outcome;
}

std::vector<std::string> InitOutcome::lines(const std::string& program) const {
  std::vector<std::string> lines;
  for (const InitColumn& column : columns)
    lines.push_back(fmt::format(
        "{:<8} {:<20} {} rows, {:.0f} characters on average, {}{} different",
        column.role.empty() ? "-" : column.role, column.name, column.filled, column.mean_characters,
        column.distinct >= ColumnFacts::kMostDistinct ? "at least " : "", column.distinct));
  lines.push_back(
      fmt::format("use case {}, language {}; {} rows for examples, {} to pick, {} to test",
                  use_case, language, train, valid, test));
  for (const std::string& note : notes) lines.push_back("Note     " + note);
  for (const fs::path& file : written) lines.push_back("Wrote    " + file.string());
  lines.push_back(fmt::format("Next     {} run {} --plan", program, shell_word(path.string())));
  return lines;
}

Json InitOutcome::to_json() const {
  Json json = {
      {"path", path.string()}, {"columns", Json::array()},
      {"rows", rows},          {"use_case", use_case},
      {"language", language},  {"splits", {{"train", train}, {"valid", valid}, {"test", test}}}};
  for (const InitColumn& column : columns)
    json["columns"].push_back({{"name", column.name},
                               {"role", column.role},
                               {"filled", column.filled},
                               {"mean_characters", column.mean_characters},
                               {"distinct", column.distinct}});
  json["written"] = Json::array();
  for (const fs::path& file : written) json["written"].push_back(file.string());
  json["notes"] = notes;
  return json;
}

}  // namespace pomona::lifecycle
