// Token F1 of SQuAD (Rajpurkar et al. 2016, arXiv:1606.05250, section 6.1).
#pragma once
#include <string_view>

#include "metric/metric.h"

namespace pomona::metric {

/// Harmonic mean of precision and recall of the multisets of tokens: the words of
/// normalise_answer, or with `by_characters` each letter, mark and number. Where a text has no
/// tokens, 1 if neither has any, else 0.
double token_f1(std::string_view prediction, std::string_view reference, bool by_characters);

/// Metric "token_f1": one score of the same name.
extern const Metric kTokenF1;

}  // namespace pomona::metric
