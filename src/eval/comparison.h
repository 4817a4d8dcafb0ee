// Several methods on the same rows, side by side: scores with intervals, which one the validation
// rows pick, and whether the test rows confirm it.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "eval/score_files.h"
#include "eval/statistics.h"

namespace pomona::eval {

/// What a method wrote for the rows of the two splits.
struct MethodAnswers {
  std::string name;
  std::vector<std::string> valid;  // may be empty for all methods
  std::vector<std::string> test;
  double forgetting = 0;  // nats a token that general text has become less likely
};

struct MetricChoice {
  std::string name;
  metric::MetricOptions options;
};

struct Gate {
  std::string score = "rougeL";
  double significance = 0.05;
  double max_forgetting = 1;
};

struct MethodScores {
  std::string name;
  std::vector<ScoredTexts> test;       // for each metric
  std::optional<Interval> valid;       // of the gate's score
  std::optional<Interval> difference;  // of the gate's score, to the first method, on test
  std::optional<double> p_value;       // of that, Holm-corrected over the methods
};

struct ComparisonResult {
  std::vector<MethodScores> methods;
  double shown_times = 1;       // of the gate's score
  std::string picked;           // best on the validation rows
  bool beats_baseline = false;  // the picked method, significantly, on the test rows
  std::string promoted;         // the picked method if it does and forgets little, or the first one
  std::string why;              // one sentence for people
};

/// Compares methods; the first one is the baseline. References match the answers row by row.
/// Without validation rows the baseline is picked. Throws what metric::score throws.
ComparisonResult compare_methods(const std::vector<MethodAnswers>& methods,
                                 const std::vector<std::string>& valid_references,
                                 const std::vector<std::string>& test_references,
                                 const std::vector<MetricChoice>& metrics, const Gate& gate);

/// "p = 0.012", "p < 0.001".
std::string p_text(double p);

/// "ROUGE-L" for "rougeL", "exact match" for "exact_match": a score's name for people.
std::string shown_name(std::string_view score);

}  // namespace pomona::eval
