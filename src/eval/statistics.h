// How sure a score is: bootstrap intervals (Efron 1979), paired randomisation tests (Noreen 1989;
// Phipson & Smyth 2010 for the p-value) and Holm's correction (Holm 1979). All draws come from the
// counter-based generator, so the same scores give the same figures everywhere.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "metric/metric.h"

namespace pomona::eval {

/// The rows that a statistic is computed from: plain values (the statistic is their mean), or a
/// Score with its own additive statistics. Refers to the caller's numbers.
struct Sample {
  // Implicit on purpose: callers hand over numbers or scores alike.
  // NOLINTBEGIN(google-explicit-constructor)
  Sample(std::span<const double> values) : statistics(values) {}
  Sample(const std::vector<double>& values) : statistics(values) {}
  Sample(const metric::Score& score)
      : statistics(score.additive()), width(score.width), combine(score.combine) {}
  // NOLINTEND(google-explicit-constructor)

  std::size_t rows() const { return statistics.size() / width; }

  std::span<const double> statistics;  // (rows, width)
  std::size_t width = 1;
  metric::Combine combine = metric::mean_of_sum;
};

/// A statistic of all rows and the ends of its interval. Of one row all three are equal: one row
/// says nothing about spread.
struct Interval {
  double mean = 0;
  double low = 0;
  double high = 0;
};

struct Resampling {
  std::uint64_t seed = 1;
  std::size_t bootstrap_draws = 1000;
  std::size_t randomisation_draws = 10000;
  double level = 0.95;  // of the interval
};

/// Percentile bootstrap: rows drawn with replacement, quantiles (1 -+ level) / 2 with linear
/// interpolation between order statistics. Throws bad_argument if there are no rows or no draws.
Interval bootstrap_interval(const Sample& sample, const Resampling& options = {});

/// Bootstrap interval of the statistic of `a` less that of `b`, of the same items: each draw takes
/// the same rows of both. Throws bad_argument as above, or if they differ in size.
Interval difference_interval(const Sample& a, const Sample& b, const Resampling& options = {});

/// Two-sided p-value for "which of the two systems gave which row does not matter": rows are
/// swapped by fair coins; p = (draws with a difference at least as large + 1) / (draws + 1).
double randomisation_p_value(const Sample& a, const Sample& b, const Resampling& options = {});

/// `a` against `b`, row by row.
struct Comparison {
  Interval difference;  // a less b
  double p_value = 1;   // of randomisation_p_value, not corrected
};
Comparison compare(const Sample& a, const Sample& b, const Resampling& options = {});

/// p-values corrected for all of them being looked at (family-wise error), in the order given:
/// the k-th smallest of m times (m - k + 1), at least its predecessor's and at most 1.
std::vector<double> holm(std::span<const double> p_values);

}  // namespace pomona::eval
