#include "train/sampler.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/refused.h"

namespace pomona::train {
namespace {

std::vector<RowId> draw(Sampler& sampler, std::int64_t rows) {
  std::vector<RowId> drawn;
  for (std::int64_t i = 0; i < rows; ++i) drawn.push_back(sampler.next());
  return drawn;
}

TEST(Sampler, GivesEveryRowOnceAnEpochInAnotherOrderEachTime) {
  Sampler sampler({{.rows = 50}}, 1, 7);
  EXPECT_EQ(sampler.epoch_rows(), 50);
  std::vector<std::vector<RowId>> epochs;
  for (int epoch = 0; epoch < 3; ++epoch) {
    epochs.push_back(draw(sampler, 50));
    std::set<std::int64_t> seen;
    for (const RowId& row : epochs.back()) seen.insert(row.row);
    EXPECT_EQ(seen.size(), 50U);
  }
  EXPECT_NE(epochs[0], epochs[1]);
  EXPECT_NE(epochs[1], epochs[2]);
  Sampler other({{.rows = 50}}, 1, 8);
  EXPECT_NE(draw(other, 50), epochs[0]);
}

TEST(Sampler, SkippingIsDrawing) {
  const std::vector<SampledSet> sets = {{.rows = 5}, {.rows = 30, .weight = 2}};
  Sampler one(sets, 2, 3), other(sets, 2, 3);
  draw(one, 123);
  other.skip(123);
  EXPECT_EQ(draw(one, 40), draw(other, 40));
  EXPECT_EQ(one.given(), other.given());
}

TEST(Sampler, MixesByWeightSizeCapAndTemperature) {
  // Capped to 100 rows; at temperature 2 the sizes 100, 100, 25 count as 10, 10, 5.
  Sampler sampler({{.rows = 1000, .cap = 100}, {.rows = 100, .weight = 3}, {.rows = 25}}, 2, 1);
  const std::vector<double> shares = {10.0 / 45, 30.0 / 45, 5.0 / 45};
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(sampler.shares()[i], shares[i], 1e-12);
  EXPECT_EQ(sampler.epoch_rows(), 225);
  draw(sampler, 20000);
  // A share of n draws has a standard deviation of at most sqrt(0.25 / n) = 0.0035.
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_NEAR(static_cast<double>(sampler.given()[i]) / 20000, shares[i], 0.015);
}

TEST(Sampler, RefusesWhatCannotBeDrawnFrom) {
  EXPECT_EQ(test::refused([] { Sampler({}, 1, 1); }),
            "bad_argument: training rows: no set to draw from");
  EXPECT_EQ(test::refused([] { Sampler({{.rows = 0}}, 1, 1); }),
            "bad_argument: training rows: a set has no rows");
  EXPECT_EQ(test::refused([] { Sampler({{.rows = 1, .weight = 0}}, 1, 1); }),
            "bad_argument: training rows: weight 0 and cap 9223372036854775807 of a set, expected "
            "above 0");
  EXPECT_EQ(test::refused([] { Sampler({{.rows = 1}}, 0, 1); }),
            "bad_argument: training rows: temperature 0, expected above 0");
}

}  // namespace
}  // namespace pomona::train
