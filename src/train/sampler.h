// Which rows each step learns from. One set: all its rows in an order that is drawn anew for each
// epoch. Several sets: a set is drawn for each row, proportionally to its size as the multi-task
// recipe of T5 has it (Raffel et al. 2020, arXiv:1910.10683, section 3.5.2): p ~ weight *
// min(rows, cap)^(1 / temperature).
#pragma once
#include <cstdint>
#include <limits>
#include <vector>

#include "train/objective.h"

namespace pomona::train {

struct SampledSet {
  std::int64_t rows = 0;
  double weight = 1;
  std::int64_t cap = std::numeric_limits<std::int64_t>::max();
};

/// The n-th row is a function of the sets, the seed and n: there is nothing to save.
class Sampler {
 public:
  /// Throws bad_argument for a set without rows, no sets, weights that are not above 0.
  Sampler(std::vector<SampledSet> sets, double temperature, std::uint64_t seed);

  /// Rows that count as one epoch: those of the only set, or of all sets within their caps.
  std::int64_t epoch_rows() const;
  /// Share of the rows that each set gives.
  const std::vector<double>& shares() const { return shares_; }

  /// The next row; the first call gives row 0.
  RowId next();
  /// As many calls of next() at once.
  void skip(std::int64_t rows);
  /// Rows that have been given of each set.
  const std::vector<std::int64_t>& given() const { return given_; }

 private:
  std::int64_t place(std::size_t set, std::int64_t draw);

  std::vector<SampledSet> sets_;
  std::vector<double> shares_;
  std::uint64_t seed_;
  std::int64_t draws_ = 0;
  std::vector<std::int64_t> given_;
  /// The order of each set's current epoch, and which that is.
  std::vector<std::vector<std::int64_t>> orders_;
  std::vector<std::int64_t> epochs_;
};

}  // namespace pomona::train
