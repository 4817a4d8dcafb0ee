#include "metric/metric.h"

#include <array>

#include "base/error.h"
#include "base/text.h"
#include "metric/exact_match.h"
#include "metric/rouge.h"
#include "metric/token_f1.h"

namespace pomona::metric {
namespace {

constexpr std::array<const Metric*, 3> kMetrics = {
    &kRouge,
    &kExactMatch,
    &kTokenF1,
};

[[noreturn]] void fail_unknown(std::string_view what, std::string_view name,
                               std::span<const std::string> known) {
  const auto suggestion = nearest(name, known);
  fail(ErrorKind::bad_argument, "{} \"{}\" is not known{}; there are: {}", what, name,
       suggestion ? fmt::format(", did you mean \"{}\"?", *suggestion) : "",
       fmt::join(known, ", "));
}

const Metric& find_with_options(std::string_view name, const MetricOptions& options) {
  const Metric& metric = find_metric(name);
  const auto refuse = [&](std::string_view option) {
    fail(ErrorKind::bad_argument, "{}: the option {} does not apply to this metric", name, option);
  };
  if (options.stemmer && !metric.takes_stemmer) refuse("--stemmer");
  if (options.characters && !metric.takes_characters) refuse("--characters");
  if (options.stemmer && options.characters) {
    fail(ErrorKind::bad_argument, "{}: --stemmer works on words, --characters has none: choose one",
         name);
  }
  return metric;
}

}  // namespace

double mean_of_sum(std::span<const double> sum, std::size_t rows) {
  return sum[0] / static_cast<double>(rows);
}

double Score::total() const {
  std::vector<double> sum(width, 0.0);
  const auto rows = additive();
  for (std::size_t i = 0; i < rows.size(); ++i) sum[i % width] += rows[i];
  return combine(sum, items.size());
}

std::span<const Metric* const> metrics() { return kMetrics; }

const Metric& find_metric(std::string_view name) {
  std::vector<std::string> known;
  for (const Metric* metric : kMetrics) {
    if (metric->name == name) return *metric;
    known.emplace_back(metric->name);
  }
  fail_unknown("metric", name, known);
}

const Metric& find_metric_of_score(std::string_view score) {
  std::vector<std::string> known;
  for (const Metric* metric : kMetrics) {
    for (const std::string_view name : metric->scores) {
      if (name == score) return *metric;
      known.emplace_back(name);
    }
  }
  fail_unknown("score", score, known);
}

std::string signature(std::string_view metric, const MetricOptions& options) {
  return find_with_options(metric, options).signature(options);
}

std::vector<Score> score(std::string_view metric, const MetricOptions& options,
                         std::span<const std::string> predictions,
                         std::span<const std::string> references) {
  const Metric& found = find_with_options(metric, options);
  if (predictions.size() != references.size()) {
    fail(ErrorKind::bad_argument, "{}: {} predictions, but {} references", metric,
         predictions.size(), references.size());
  }
  return found.score(options, predictions, references);
}

}  // namespace pomona::metric
