#include "eval/statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/random.h"

namespace pomona::eval {
namespace {

using Values = std::vector<double>;

/// P(X <= k) of a binomial distribution.
double binomial_cdf(int k, int n, double p) {
  double sum = 0;
  for (int i = 0; i <= k; ++i) {
    sum += std::exp(std::lgamma(n + 1) - std::lgamma(i + 1) - std::lgamma(n - i + 1) +
                    i * std::log(p) + (n - i) * std::log1p(-p));
  }
  return sum;
}

int binomial_quantile(double share, int n, double p) {
  int k = 0;
  while (binomial_cdf(k, n, p) < share) ++k;
  return k;
}

TEST(BootstrapInterval, OfZerosAndOnesIsTheBinomialQuantile) {
  Values items(100, 0.0);
  std::fill_n(items.begin(), 30, 1.0);
  Resampling options;
  options.bootstrap_draws = 20000;
  const Interval interval = bootstrap_interval(items, options);
  EXPECT_DOUBLE_EQ(interval.mean, 0.3);
  // A bootstrap mean is Binomial(100, 0.3) / 100. The share of draws below a quantile has a
  // standard error of 0.0011, less than half the probability of one step there (0.012): at most one
  // step off.
  EXPECT_NEAR(interval.low, binomial_quantile(0.025, 100, 0.3) / 100.0, 0.01 + 1e-12);
  EXPECT_NEAR(interval.high, binomial_quantile(0.975, 100, 0.3) / 100.0, 0.01 + 1e-12);
}

TEST(BootstrapInterval, CoversAsOftenAsTheoryTells) {
  // Of normal samples the percentile interval is mean -+ 1.96 sqrt((n-1)/n) s / sqrt(n), which
  // covers with P(|t| < 1.9354) of a t distribution with n - 1 = 39 degrees of freedom: 0.9398.
  constexpr int kTrials = 1000, kRows = 40;
  int covered = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    const Random random(11, static_cast<std::uint64_t>(trial));
    Values items(kRows);
    for (std::size_t i = 0; i < items.size(); ++i) items[i] = 5 + random.normal(i);
    Resampling options;
    options.seed = static_cast<std::uint64_t>(trial);
    options.bootstrap_draws = 500;
    const Interval interval = bootstrap_interval(items, options);
    covered += interval.low <= 5 && 5 <= interval.high ? 1 : 0;
  }
  const double standard_error = std::sqrt(0.9398 * 0.0602 / kTrials);
  EXPECT_NEAR(covered / double{kTrials}, 0.9398, 3 * standard_error);
}

TEST(BootstrapInterval, RepeatsExactlyAndFollowsItsOptions) {
  const Values items = {0.1, 0.9, 0.4, 0.35, 0.8, 0.2, 0.6};
  const Interval first = bootstrap_interval(items), again = bootstrap_interval(items);
  EXPECT_EQ(first.low, again.low);
  EXPECT_EQ(first.high, again.high);
  Resampling other;
  other.seed = 2;
  EXPECT_NE(bootstrap_interval(items, other).low, first.low);
  Resampling narrow;
  narrow.level = 0.5;
  EXPECT_GT(bootstrap_interval(items, narrow).low, first.low);
  EXPECT_LT(bootstrap_interval(items, narrow).high, first.high);
}

TEST(BootstrapInterval, OfOneRowIsThatRow) {
  const Interval one = bootstrap_interval(Values{0.25});
  EXPECT_EQ(one.mean, 0.25);
  EXPECT_EQ(one.low, 0.25);
  EXPECT_EQ(one.high, 0.25);
}

TEST(BootstrapInterval, OfNoRowsIsAnError) {
  EXPECT_THROW(bootstrap_interval(Values{}), Error);
  EXPECT_THROW(compare(Values{}, Values{}), Error);
  Resampling none;
  none.bootstrap_draws = 0;
  EXPECT_THROW(bootstrap_interval(Values{1}, none), Error);
}

TEST(BootstrapInterval, ResamplesTheCountsOfACorpusScore) {
  // Equal rows: every draw has the same ratio, 2 hits of 3, which the mean of the items is not.
  metric::Score score{.name = "ratio", .items = {1, 1}, .statistics = {2, 3, 2, 3}, .width = 2};
  score.combine = [](std::span<const double> sum, std::size_t) { return sum[0] / sum[1]; };
  const Interval interval = bootstrap_interval(score);
  EXPECT_DOUBLE_EQ(interval.mean, 2.0 / 3);
  EXPECT_DOUBLE_EQ(interval.low, 2.0 / 3);
  EXPECT_DOUBLE_EQ(interval.high, 2.0 / 3);
}

TEST(Compare, EqualsTheExactTestOnFewRows) {
  // All 2^n swaps are equally likely. Differences 1, 2, 3: two of 8 reach 6. Five equal ones: 2
  // of 32.
  const double bound_3 = 5 * std::sqrt(0.25 * 0.75 / 10000),
               bound_5 = 5 * std::sqrt(0.0625 / 10000);
  EXPECT_NEAR(randomisation_p_value(Values{1, 2, 3}, Values{0, 0, 0}), 0.25, bound_3);
  EXPECT_NEAR(randomisation_p_value(Values(5, 0.3), Values(5, 0.2)), 0.0625, bound_5);
  EXPECT_EQ(randomisation_p_value(Values{0.7}, Values{0.2}), 1);  // one row decides nothing
  EXPECT_EQ(randomisation_p_value(Values{0.1, 0.2}, Values{0.1, 0.2}), 1);
  // 100 rows all better: no draw among 10,000 comes near.
  EXPECT_EQ(randomisation_p_value(Values(100, 1.0), Values(100, 0.0)), 1.0 / 10001);
}

TEST(Compare, PValuesAreUniformWhereNothingDiffers) {
  constexpr int kTrials = 1000;
  Values p_values;
  for (int trial = 0; trial < kTrials; ++trial) {
    const Random random(23, static_cast<std::uint64_t>(trial));
    Values a(20), b(20);
    for (std::size_t i = 0; i < a.size(); ++i) {
      a[i] = random.uniform(2 * i);
      b[i] = random.uniform(2 * i + 1);
    }
    Resampling options;
    options.seed = static_cast<std::uint64_t>(trial);
    options.randomisation_draws = 399;
    p_values.push_back(randomisation_p_value(a, b, options));
  }
  std::sort(p_values.begin(), p_values.end());
  double distance = 0;  // Kolmogorov-Smirnov
  for (int i = 0; i < kTrials; ++i) {
    distance =
        std::max(distance, std::abs(p_values[static_cast<std::size_t>(i)] - (i + 0.5) / kTrials));
  }
  // 1 % critical value 1.628 / sqrt(trials), and 1/400 for the steps of p.
  EXPECT_LT(distance, 1.628 / std::sqrt(kTrials) + 1.0 / 400);
}

TEST(Compare, DifferenceIsPaired) {
  // Rows differ widely, the two systems by exactly 0.1 in each: the interval has no width.
  const Values a = {0.9, 0.1, 0.5, 0.3}, b = {0.8, 0.0, 0.4, 0.2};
  const Comparison comparison = compare(a, b);
  EXPECT_NEAR(comparison.difference.mean, 0.1, 1e-15);
  EXPECT_NEAR(comparison.difference.low, 0.1, 1e-15);
  EXPECT_NEAR(comparison.difference.high, 0.1, 1e-15);
  EXPECT_NEAR(comparison.p_value, 0.125, 5 * std::sqrt(0.125 * 0.875 / 10000));  // 2 of 16 swaps
  EXPECT_LT(compare(b, a).difference.mean, 0);
  EXPECT_THROW(compare(a, Values{1}), Error);
}

TEST(Holm, HandMadeExample) {
  // m = 4: 4 x 0.005, 3 x 0.01, 2 x 0.03, then 0.04 raised to its predecessor's 0.06.
  const Values corrected = holm(Values{0.01, 0.04, 0.03, 0.005});
  const Values expected = {0.03, 0.06, 0.06, 0.02};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(corrected[i], expected[i], 1e-15);
  EXPECT_EQ(holm(Values{0.9, 0.8}), (Values{1, 1}));
  EXPECT_EQ(holm(Values{0.04}), Values{0.04});
  EXPECT_TRUE(holm(Values{}).empty());
}

}  // namespace
}  // namespace pomona::eval
