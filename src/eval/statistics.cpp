#include "eval/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/random.h"

namespace pomona::eval {
namespace {

enum Stream : std::uint64_t { kBootstrap, kRandomisation };

void check(std::string_view operation, const Sample& sample, std::size_t draws) {
  if (sample.rows() == 0) fail(ErrorKind::bad_argument, "{}: there are no rows", operation);
  if (draws == 0) fail(ErrorKind::bad_argument, "{}: the number of draws is 0", operation);
}

void check_pair(std::string_view operation, const Sample& a, const Sample& b) {
  if (a.rows() == b.rows() && a.width == b.width && a.combine == b.combine) return;
  fail(ErrorKind::bad_argument,
       "{}: the two are not the same score of the same items: {} and {} rows", operation, a.rows(),
       b.rows());
}

/// The sum over a choice of rows, and the statistic of it.
class Sum {
 public:
  explicit Sum(const Sample& sample) : sample_(sample), sum_(sample.width, 0.0) {}

  void clear() { std::fill(sum_.begin(), sum_.end(), 0.0); }
  void add(std::size_t row) { add(sample_, row); }
  void add(const Sample& other, std::size_t row) {
    for (std::size_t k = 0; k < sum_.size(); ++k)
      sum_[k] += other.statistics[row * sum_.size() + k];
  }
  double value() const { return sample_.combine(sum_, sample_.rows()); }
  double value_of_all() {
    clear();
    for (std::size_t row = 0; row < sample_.rows(); ++row) add(row);
    return value();
  }

 private:
  const Sample& sample_;
  std::vector<double> sum_;
};

double quantile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

/// `draw(rows)` gives the statistic of each draw; `rows` are the indices drawn.
template <class Draw>
Interval percentile_interval(double mean, std::size_t rows, const Resampling& options, Draw draw) {
  const Random random(options.seed, kBootstrap);
  std::vector<std::size_t> chosen(rows);
  std::vector<double> values(options.bootstrap_draws);
  for (std::size_t d = 0; d < values.size(); ++d) {
    for (std::size_t i = 0; i < rows; ++i) chosen[i] = random.below(d * rows + i, rows);
    values[d] = draw(chosen);
  }
  std::sort(values.begin(), values.end());
  const double tail = (1 - options.level) / 2;
  return {mean, quantile(values, tail), quantile(values, 1 - tail)};
}

double statistic_of(Sum& sum, const std::vector<std::size_t>& rows) {
  sum.clear();
  for (const std::size_t row : rows) sum.add(row);
  return sum.value();
}

}  // namespace

Interval bootstrap_interval(const Sample& sample, const Resampling& options) {
  check("bootstrap interval", sample, options.bootstrap_draws);
  Sum sum(sample);
  const double mean = sum.value_of_all();
  return percentile_interval(mean, sample.rows(), options,
                             [&](const auto& rows) { return statistic_of(sum, rows); });
}

Interval difference_interval(const Sample& a, const Sample& b, const Resampling& options) {
  check("difference interval", a, options.bootstrap_draws);
  check_pair("difference interval", a, b);
  Sum sum_a(a), sum_b(b);
  const double mean = sum_a.value_of_all() - sum_b.value_of_all();
  return percentile_interval(mean, a.rows(), options, [&](const auto& rows) {
    return statistic_of(sum_a, rows) - statistic_of(sum_b, rows);
  });
}

double randomisation_p_value(const Sample& a, const Sample& b, const Resampling& options) {
  check("randomisation test", a, options.randomisation_draws);
  check_pair("randomisation test", a, b);
  Sum sum_a(a), sum_b(b);
  const double total_a = sum_a.value_of_all(), total_b = sum_b.value_of_all();
  // Draws that equal the observed difference but for the order of addition must count.
  constexpr double kRounding = 1e-10;
  const double observed =
      std::abs(total_a - total_b) - kRounding * (std::abs(total_a) + std::abs(total_b));
  const Random random(options.seed, kRandomisation);
  const std::size_t rows = a.rows(), words = (rows + 63) / 64;
  std::size_t count = 0;
  for (std::size_t d = 0; d < options.randomisation_draws; ++d) {
    sum_a.clear();
    sum_b.clear();
    std::uint64_t coins = 0;
    for (std::size_t row = 0; row < rows; ++row, coins >>= 1) {
      if (row % 64 == 0) coins = random.bits(d * words + row / 64);
      const bool swap = (coins & 1) != 0;
      sum_a.add(swap ? b : a, row);
      sum_b.add(swap ? a : b, row);
    }
    if (std::abs(sum_a.value() - sum_b.value()) >= observed) ++count;
  }
  return static_cast<double>(count + 1) / static_cast<double>(options.randomisation_draws + 1);
}

Comparison compare(const Sample& a, const Sample& b, const Resampling& options) {
  return {difference_interval(a, b, options), randomisation_p_value(a, b, options)};
}

std::vector<double> holm(std::span<const double> p_values) {
  std::vector<std::size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t i, std::size_t j) { return p_values[i] < p_values[j]; });
  std::vector<double> corrected(p_values.size());
  double largest = 0;
  for (std::size_t k = 0; k < order.size(); ++k) {
    const auto remaining = static_cast<double>(order.size() - k);
    largest = std::max(largest, std::min(1.0, remaining * p_values[order[k]]));
    corrected[order[k]] = largest;
  }
  return corrected;
}

}  // namespace pomona::eval
