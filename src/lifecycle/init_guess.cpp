#include "lifecycle/init_guess.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <functional>

#include "base/error.h"
#include "base/quote.h"
#include "base/text.h"

namespace pomona::lifecycle {
namespace {

constexpr std::array<std::string_view, 20> kInputNames = {
    "dialogue", "dialog",   "document", "article", "passage", "text",      "input",
    "source",   "question", "prompt",   "query",   "review",  "content",   "body",
    "sentence", "message",  "context",  "story",   "report",  "transcript"};
constexpr std::array<std::string_view, 18> kOutputNames = {
    "note",       "summary", "output", "answer",     "label",       "target",
    "completion", "title",   "reply",  "highlights", "translation", "response",
    "category",   "class",   "intent", "sentiment",  "abstract",    "headline"};
constexpr std::array<std::string_view, 8> kIdNames = {"id",    "uid",  "index", "row",
                                                      "split", "date", "url",   "key"};
constexpr std::uint64_t kMostLabels = 20;

std::string lower_ascii(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

template <class List>
bool is_one_of(std::string_view name, const List& list) {
  return std::find(list.begin(), list.end(), lower_ascii(name)) != list.end();
}

bool usable(const ColumnFacts& column, std::uint64_t rows) {
  return column.filled * 2 >= rows && !is_one_of(column.name, kIdNames);
}

const ColumnFacts& require(const ColumnTable& table, std::string_view name,
                           std::string_view origin) {
  if (const ColumnFacts* column = table.find(name)) return *column;
  std::vector<std::string> known;
  for (const ColumnFacts& column : table.columns()) known.push_back(column.name);
  const auto meant = nearest(name, known);
  fail(ErrorKind::bad_argument, "init: {} has no column \"{}\"{}; it has: {}", origin, name,
       meant ? fmt::format(", did you mean \"{}\"?", *meant) : "", fmt::join(known, ", "));
}

/// The best column for a role that is not `other`: a usual name, else the longest text.
template <class List>
std::string best_for(const ColumnTable& table, const List& names, const std::string& other) {
  const ColumnFacts* best = nullptr;
  const auto score = [&](const ColumnFacts& column) {
    return (is_one_of(column.name, names) ? 1e12 : 0) + column.mean_characters();
  };
  for (const ColumnFacts& column : table.columns()) {
    if (column.name == other || !usable(column, table.rows())) continue;
    if (best == nullptr || score(column) > score(*best)) best = &column;
  }
  return best == nullptr ? "" : best->name;
}

}  // namespace

void ColumnFacts::add(std::string_view value) {
  if (trim(value).empty()) return;
  ++filled;
  if (distinct.size() < kMostDistinct) distinct.insert(std::hash<std::string_view>{}(value));
  const std::string_view end = trim(value);
  if (end.ends_with('?') || end.ends_with("\uff1f")) ++questions;
  while (const auto character = decode_utf8(value)) {
    ++characters;
    scripts.add(character->code_point);
    value.remove_prefix(character->length);
  }
}

double ColumnFacts::mean_characters() const {
  return filled == 0 ? 0 : static_cast<double>(characters) / static_cast<double>(filled);
}

void ColumnTable::add(const store::Record& record) {
  ++rows_;
  for (std::size_t i = 0; i < record.names.size(); ++i) {
    const auto [place, added] = index_.try_emplace(record.names[i], columns_.size());
    if (added) columns_.emplace_back().name = record.names[i];
    columns_[place->second].add(record.values[i]);
  }
}

const ColumnFacts* ColumnTable::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &columns_[found->second];
}

namespace {

std::string names_of(const ColumnTable& table) {
  std::vector<std::string> names;
  for (const ColumnFacts& column : table.columns()) names.push_back(quote_name(column.name));
  if (names.empty()) return "empty, nested or missing values";
  return fmt::format("{}", fmt::join(names, ", "));
}

/// Spreadsheets in many countries put other characters between the fields than commas.
std::string separator_hint(const ColumnTable& table) {
  if (table.columns().size() != 1) return "";
  const std::string& name = table.columns().front().name;
  const std::size_t at = name.find_first_of(";\t|");
  if (at == std::string::npos) return "";
  return fmt::format(
      "; the fields seem to be separated by {}, not by commas: save the file with "
      "commas",
      name[at] == '\t' ? "tabs" : fmt::format("\"{}\"", name[at]));
}

}  // namespace

Roles guess_roles(const ColumnTable& table, const Roles& named, std::string_view origin) {
  Roles roles = named;
  if (!roles.input.empty()) require(table, roles.input, origin);
  if (!roles.output.empty()) require(table, roles.output, origin);
  if (roles.input.empty()) {
    // What is called like an output must not be taken for the input, however long it is.
    std::string output = roles.output;
    if (output.empty()) output = best_for(table, kOutputNames, "");
    const bool sure = !roles.output.empty() || is_one_of(output, kOutputNames);
    roles.input = best_for(table, kInputNames, sure ? output : "");
  }
  if (roles.output.empty()) roles.output = best_for(table, kOutputNames, roles.input);
  if (roles.input.empty() || roles.output.empty() || roles.input == roles.output)
    fail(ErrorKind::bad_file,
         "init: {}: found no two columns of text, one to read and one to write, only {}{}", origin,
         names_of(table), separator_hint(table));
  return roles;
}

std::string guess_use_case(const ColumnTable& table, const Roles& roles) {
  const ColumnFacts& input = *table.find(roles.input);
  const ColumnFacts& output = *table.find(roles.output);
  if (output.distinct.size() <= kMostLabels && output.filled >= 4 * output.distinct.size() &&
      output.mean_characters() < 40)
    return "analyze";
  if (input.questions * 2 > input.filled) return "answer";
  if (input.scripts.language() != output.scripts.language()) return "translate";
  if (output.mean_characters() < 0.7 * input.mean_characters()) return "summarize";
  return "write";
}

}  // namespace pomona::lifecycle
