// ROUGE (Lin 2004, "ROUGE: A Package for Automatic Evaluation of Summaries"), number for number as
// Google's rouge-score 0.1.2 computes it, and a variant on characters.
#pragma once
#include <string_view>

#include "metric/metric.h"

namespace pomona::metric {

/// Share of the prediction's units found in the reference, of the reference's units found in the
/// prediction, and their harmonic mean (0 where both are 0).
struct PrecisionRecall {
  double precision = 0;
  double recall = 0;
  double f1 = 0;
};

struct RougeScores {
  PrecisionRecall rouge1;      // clipped overlap of words
  PrecisionRecall rouge2;      // clipped overlap of pairs of neighbours
  PrecisionRecall rouge_l;     // longest common subsequence of the whole texts
  PrecisionRecall rouge_lsum;  // union of the subsequences per reference sentence (line)
};

/// Scores one UTF-8 text; empty texts score 0. Of `options` stemmer and characters count.
RougeScores rouge(std::string_view prediction, std::string_view reference,
                  const MetricOptions& options);

/// Metric "rouge": rouge1, rouge2, rougeL, rougeLsum, each the F1.
extern const Metric kRouge;

}  // namespace pomona::metric
