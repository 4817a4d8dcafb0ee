// What a trainer makes smaller: a sum over rows of data of which it knows neither the model nor the
// loss.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tensor/context.h"

namespace pomona::train {

/// A row of a set: a place in its data.
struct RowId {
  std::int32_t set = 0;
  std::int64_t row = 0;
  bool operator==(const RowId&) const = default;
};

/// What a row takes: tokens of one forward pass, and how many of them the loss counts.
struct RowSize {
  std::int64_t tokens = 0;
  std::int64_t terms = 0;
};

/// A loss over some rows: the sum over all terms, which are divided by their number only for people
/// and for the gradient of a whole step.
struct LossSum {
  double loss = 0;
  std::int64_t terms = 0;

  double mean() const { return terms > 0 ? loss / static_cast<double>(terms) : 0; }
  LossSum& operator+=(const LossSum& other) {
    loss += other.loss;
    terms += other.terms;
    return *this;
  }
};

class Objective {
 public:
  virtual ~Objective() = default;

  virtual RowSize size(const RowId& row) const = 0;
  /// The row as errors call it, e.g. "train.jsonl row 7".
  virtual std::string name(const RowId& row) const = 0;

  /// Adds `factor` times the gradient of the sum of losses to what the trained parameters hold; all
  /// rows in one pass. While planning, only memory and work are counted.
  virtual LossSum accumulate(const Context& context, std::span<const RowId> rows,
                             double factor) = 0;
  /// The sum alone.
  virtual LossSum evaluate(const Context& context, std::span<const RowId> rows) const = 0;
};

}  // namespace pomona::train
