// Sums from which mean and standard error follow, as llama-perplexity has them.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>

namespace pomona::eval {

class Moments {
 public:
  void add(double value) {
    ++count_;
    sum_ += value;
    squares_ += value * value;
  }
  std::int64_t count() const { return count_; }
  double mean() const { return sum_ / static_cast<double>(count_); }
  /// sqrt((mean of squares - mean^2) / (count - 1)); 0 for fewer than two values.
  double standard_error() const {
    if (count_ < 2) return 0;
    const double spread = squares_ / static_cast<double>(count_) - mean() * mean();
    return std::sqrt(std::max(0.0, spread) / static_cast<double>(count_ - 1));
  }

 private:
  std::int64_t count_ = 0;
  double sum_ = 0, squares_ = 0;
};

}  // namespace pomona::eval
