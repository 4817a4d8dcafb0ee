#include "eval/score_files.h"

#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"

namespace pomona::eval {
namespace {

/// The lines of a text without their ends; the end of the last line may be missing.
std::vector<std::string_view> lines_of(std::string_view text) {
  auto lines = split(without_byte_order_mark(text), '\n');
  if (lines.back().empty()) lines.pop_back();
  for (std::string_view& line : lines) {
    if (line.ends_with('\r')) line.remove_suffix(1);
  }
  return lines;
}

/// The "text" of a JSON object, or nullopt if it has none.
std::optional<std::string> text_of(const Json& row) {
  const auto found = row.is_object() ? row.find("text") : row.end();
  if (found == row.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

bool is_json_lines(const fs::path& path, std::string_view first_line) {
  const std::string suffix = path.extension().string();
  if (suffix == ".jsonl" || suffix == ".ndjson") return true;
  if (suffix == ".txt") return false;
  const Json row = Json::parse(first_line, nullptr, /*allow_exceptions=*/false);
  return text_of(row).has_value();
}

}  // namespace

ScoredTexts score_texts(std::string_view metric, const metric::MetricOptions& options,
                        std::span<const std::string> predictions,
                        std::span<const std::string> references, const Resampling& resampling) {
  ScoredTexts scored;
  scored.n = references.size();
  scored.signature =
      fmt::format("{}|bootstrap:{}|level:{}|seed:{}", metric::signature(metric, options),
                  resampling.bootstrap_draws, resampling.level, resampling.seed);
  scored.shown_times = metric::find_metric(metric).shown_times;
  for (metric::Score& score : metric::score(metric, options, predictions, references)) {
    const Interval interval = bootstrap_interval(score, resampling);
    scored.scores.push_back({std::move(score), interval});
  }
  return scored;
}

std::vector<std::string> read_texts(const fs::path& path) {
  const std::string content = read_file(path);
  const auto lines = lines_of(content);
  std::vector<std::string> texts;
  if (lines.empty()) return texts;
  const bool json = is_json_lines(path, lines.front());
  for (const std::string_view line : lines) {
    const std::string where = fmt::format("{}: row {}", path.string(), texts.size() + 1);
    if (const auto bad = find_invalid_utf8(line)) {
      fail(ErrorKind::bad_file, "{}: not valid UTF-8 at byte {} of the file", where,
           static_cast<std::size_t>(line.data() - content.data()) + *bad);
    }
    if (!json) {
      texts.emplace_back(line);
      continue;
    }
    auto text = text_of(parse_json(line, where));
    if (!text) fail(ErrorKind::bad_file, "{}: not an object with a string \"text\"", where);
    texts.push_back(std::move(*text));
  }
  return texts;
}

ScoredTexts score_files(std::string_view metric, const metric::MetricOptions& options,
                        const fs::path& predictions, const fs::path& references,
                        const Resampling& resampling) {
  metric::signature(metric, options);  // a wrong option is told before files are read
  const auto predicted = read_texts(predictions);
  const auto referenced = read_texts(references);
  if (predicted.size() != referenced.size()) {
    fail(ErrorKind::bad_argument, "score: {} has {} rows, but {} has {}", predictions.string(),
         predicted.size(), references.string(), referenced.size());
  }
  if (referenced.empty()) {
    fail(ErrorKind::bad_file, "score: {} and {} have no rows", predictions.string(),
         references.string());
  }
  return score_texts(metric, options, predicted, referenced, resampling);
}

Json to_json(const Interval& interval) {
  return {{"mean", interval.mean}, {"low", interval.low}, {"high", interval.high}};
}

Json to_json(const ScoredTexts& scored, bool per_item) {
  Json json = {{"n", scored.n}, {"signature", scored.signature}};
  for (const auto& entry : scored.scores) json[entry.score.name] = to_json(entry.interval);
  if (!per_item) return json;
  Json& items = json["items"] = Json::array();
  for (std::size_t row = 0; row < scored.n; ++row) {
    Json item = Json::object();
    for (const auto& entry : scored.scores) item[entry.score.name] = entry.score.items[row];
    items.push_back(std::move(item));
  }
  return json;
}

}  // namespace pomona::eval
