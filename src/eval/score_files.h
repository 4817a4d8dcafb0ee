// Scores of texts against references with their intervals, from memory or from files: what
// `pomona score` prints and reports use.
#pragma once
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "eval/statistics.h"
#include "metric/metric.h"

namespace pomona::eval {

struct ScoredTexts {
  struct Entry {
    metric::Score score;
    Interval interval;
  };
  std::size_t n = 0;
  std::string signature;   // of the metric and of the resampling
  double shown_times = 1;  // people are shown this multiple
  std::vector<Entry> scores;
};

/// Scores with bootstrap intervals. Throws bad_argument as metric::score does, and if there are no
/// rows.
ScoredTexts score_texts(std::string_view metric, const metric::MetricOptions& options,
                        std::span<const std::string> predictions,
                        std::span<const std::string> references, const Resampling& resampling = {});

/// The rows of a file of texts: one a line (\n or \r\n, an empty line is an empty text), or JSON
/// Lines, objects with the text under "text". A file named .jsonl or .ndjson is JSON Lines, one
/// named .txt is lines; any other is JSON Lines if its first line is such an object. A byte-order
/// mark is skipped. Throws not_found, io, or bad_file with path and row: ill-formed UTF-8 or JSON,
/// no text.
std::vector<std::string> read_texts(const std::filesystem::path& path);

/// score_texts of two files. Throws as both do, bad_file if a file has no rows, and bad_argument if
/// they have different numbers of rows.
ScoredTexts score_files(std::string_view metric, const metric::MetricOptions& options,
                        const std::filesystem::path& predictions,
                        const std::filesystem::path& references, const Resampling& resampling = {});

/// {"mean", "low", "high"}.
Json to_json(const Interval& interval);

/// {"n", "signature", one interval under each score's name}, and with `per_item` "items": for each
/// row an object of its scores. Scores are fractions 0..1.
Json to_json(const ScoredTexts& scored, bool per_item);

}  // namespace pomona::eval
