// metrics.jsonl: what a run measures, one JSON object a line, written as it comes. A run that was
// interrupted and resumed has the log of one that was not, but for times.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/appended_file.h"
#include "base/json.h"

namespace pomona::train {

/// One optimiser step.
struct StepMetrics {
  std::int64_t step = 0;  // from 1
  double epoch = 0;       // passes through the data so far
  double loss = 0;        // mean over the step's supervised tokens
  double learning_rate = 0;
  double gradient_norm = 0;     // before clipping
  std::int64_t tokens = 0;      // of the step's rows
  std::int64_t supervised = 0;  // of them in the loss
  double seconds = 0;           // the step took
};

/// One evaluation, after a step.
struct EvaluationMetrics {
  std::int64_t step = 0;
  double loss = 0;                                   // mean over the supervised tokens of all sets
  std::vector<std::pair<std::string, double>> sets;  // the loss of each
  std::optional<double> general;                     // loss on the general text
  std::optional<double> forgetting;                  // how much it grew since before training
  bool best = false;                                 // of all so far
  double seconds = 0;
};

Json to_json(const StepMetrics& metrics);
Json to_json(const EvaluationMetrics& metrics);

class MetricsLog {
 public:
  /// Opens the log. Its first `keep` records stay (0: it starts afresh), as many of them as are
  /// whole; what a run wrote behind the state that it goes on from is cut off. Throws io,
  /// exhausted.
  MetricsLog(const std::filesystem::path& path, std::uint64_t keep);

  /// Throws io, exhausted.
  void add(const StepMetrics& metrics) { add(to_json(metrics)); }
  void add(const EvaluationMetrics& metrics) { add(to_json(metrics)); }

  /// Puts all records on the disk: before the state that counts them. How many there are, those of
  /// earlier parts of the run too.
  std::uint64_t sync();

 private:
  void add(const Json& record);
  std::uint64_t count_ = 0;
  std::unique_ptr<AppendedFile> file_;
};

}  // namespace pomona::train
