// Exact match: the share of predictions equal to their reference, as they are and after SQuAD's
// normalisation.
#pragma once
#include "metric/metric.h"

namespace pomona::metric {

/// Metric "exact_match": exact_match compares the bytes without ASCII white space at the ends,
/// exact_match_normalised the forms of normalise_answer.
extern const Metric kExactMatch;

}  // namespace pomona::metric
