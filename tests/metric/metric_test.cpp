#include "metric/metric.h"

#include <gtest/gtest.h>

#include "tests/support/refused.h"

namespace pomona::metric {
namespace {

using test::refused;

TEST(Metric, EveryMetricGivesTheScoresItNames) {
  const std::vector<std::string> texts = {"one two", "", "three"};
  for (const Metric* metric : metrics()) {
    const auto scores = score(metric->name, {}, texts, texts);
    ASSERT_EQ(scores.size(), metric->scores.size()) << metric->name;
    for (std::size_t k = 0; k < scores.size(); ++k) {
      EXPECT_EQ(scores[k].name, metric->scores[k]);
      ASSERT_EQ(scores[k].items.size(), texts.size());
      EXPECT_EQ(scores[k].items[0], 1) << scores[k].name;  // equal texts
      EXPECT_EQ(&find_metric_of_score(scores[k].name), metric);
    }
    EXPECT_TRUE(signature(metric->name, {}).starts_with(metric->name));
    EXPECT_FALSE(metric->summary.empty());
  }
}

TEST(Metric, UnknownNamesGetASuggestion) {
  EXPECT_EQ(
      refused([] { find_metric("rogue"); }),
      "bad_argument: metric \"rogue\" is not known, did you mean \"rouge\"?; there are: rouge, "
      "exact_match, token_f1");
  EXPECT_EQ(refused([] { find_metric("perplexities"); }),
            "bad_argument: metric \"perplexities\" is not known; there are: rouge, exact_match, "
            "token_f1");
  EXPECT_EQ(
      refused([] { find_metric_of_score("rougeLsun"); }),
      "bad_argument: score \"rougeLsun\" is not known, did you mean \"rougeLsum\"?; there "
      "are: rouge1, rouge2, rougeL, rougeLsum, exact_match, exact_match_normalised, token_f1");
}

TEST(Metric, OptionsThatDoNotApplyAreErrors) {
  MetricOptions stemmer, both;
  stemmer.stemmer = both.stemmer = both.characters = true;
  EXPECT_EQ(refused([&] { signature("token_f1", stemmer); }),
            "bad_argument: token_f1: the option --stemmer does not apply to this metric");
  EXPECT_EQ(refused([&] { score("rouge", both, {}, {}); }),
            "bad_argument: rouge: --stemmer works on words, --characters has none: choose one");
}

TEST(Metric, CountsMustAgree) {
  const std::vector<std::string> two = {"a", "b"}, one = {"a"};
  EXPECT_EQ(refused([&] { score("rouge", {}, two, one); }),
            "bad_argument: rouge: 2 predictions, but 1 references");
}

TEST(Metric, TotalIsTheMeanUnlessTheScoreCombinesCounts) {
  Score mean{.name = "mean", .items = {0, 1, 0.5, 0.5}};
  EXPECT_EQ(mean.total(), 0.5);
  // hits and trials per row: 1 of 1, 1 of 3.
  Score ratio{.name = "ratio", .items = {1, 1.0 / 3}, .statistics = {1, 1, 1, 3}, .width = 2};
  ratio.combine = [](std::span<const double> sum, std::size_t) { return sum[0] / sum[1]; };
  EXPECT_EQ(ratio.total(), 0.5);
}

}  // namespace
}  // namespace pomona::metric
