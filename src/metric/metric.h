// Metrics by name: what `evaluate`, reports and `pomona score` call. A metric is one file that
// defines a Metric, and one line in metric.cpp's table.
#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pomona::metric {

struct MetricOptions {
  bool stemmer = false;     // Porter stems of words longer than three letters
  bool characters = false;  // one token per letter, mark or number instead of words
  /// A prediction of letters that the word tokeniser knows none of (Chinese, Russian ...) scores 0
  /// instead of being an error; references stay checked. For answers of a model to texts in
  /// English.
  bool foreign_prediction_scores_zero = false;
  // How messages call the way to `characters`, and number the first row.
  std::string_view characters_by = "use --characters";
  std::size_t first_row = 1;
};

/// The value of additive statistics summed over `rows` rows (rows > 0).
using Combine = double (*)(std::span<const double> sum, std::size_t rows);

/// Combine for width 1: the mean.
double mean_of_sum(std::span<const double> sum, std::size_t rows);

/// One score of every row, and how a set of rows is scored: by combine(sum of their statistics).
/// An ordinary score is a mean over rows: its statistics are its items. A corpus score (BLEU) keeps
/// counts per row.
struct Score {
  std::string name;
  std::vector<double> items;            // (rows) each row scored alone, 0..1
  std::vector<double> statistics = {};  // (rows, width); empty: the items, width 1
  std::size_t width = 1;
  Combine combine = mean_of_sum;

  std::span<const double> additive() const { return statistics.empty() ? items : statistics; }
  /// All rows together; rows > 0.
  double total() const;
};

/// What a metric's file defines.
struct Metric {
  std::string_view name;
  std::string_view summary;                  // for help, one line
  std::span<const std::string_view> scores;  // the names of its scores, in order
  bool takes_stemmer = false;                // which options it knows
  bool takes_characters = false;
  double shown_times = 100;  // people are shown this multiple of a score
  std::string (*signature)(const MetricOptions&);
  std::vector<Score> (*score)(const MetricOptions&, std::span<const std::string> predictions,
                              std::span<const std::string> references);
};

/// All metrics, in the order of help.
std::span<const Metric* const> metrics();

/// Throws bad_argument, suggesting the nearest name.
const Metric& find_metric(std::string_view name);

/// The metric that has a score of this name ("rougeL" -> rouge). Throws bad_argument, suggesting
/// the nearest name.
const Metric& find_metric_of_score(std::string_view score);

/// The convention of the numbers: everything that changes them, as `key:value` joined by `|`.
/// Throws bad_argument for options that the metric does not know.
std::string signature(std::string_view metric, const MetricOptions& options);

/// Scores row by row; predictions and references are UTF-8 and equally many. Empty texts are
/// allowed. Throws bad_argument: unknown metric or option, different counts, a row (counted
/// from options.first_row) that the metric cannot score.
std::vector<Score> score(std::string_view metric, const MetricOptions& options,
                         std::span<const std::string> predictions,
                         std::span<const std::string> references);

}  // namespace pomona::metric
