#include "metric/metric.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace pomona::metric {
namespace {

template <class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_argument);
    return error.what();
  }
  return "no error";
}

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
  EXPECT_EQ(error_of([] { find_metric("rogue"); }),
            "metric \"rogue\" is not known, did you mean \"rouge\"?; there are: rouge, "
            "exact_match, token_f1");
  EXPECT_EQ(error_of([] { find_metric("perplexities"); }),
            "metric \"perplexities\" is not known; there are: rouge, exact_match, token_f1");
  EXPECT_EQ(
      error_of([] { find_metric_of_score("rougeLsun"); }),
      "score \"rougeLsun\" is not known, did you mean \"rougeLsum\"?; there are: rouge1, rouge2, "
      "rougeL, rougeLsum, exact_match, exact_match_normalised, token_f1");
}

TEST(Metric, OptionsThatDoNotApplyAreErrors) {
  MetricOptions stemmer, both;
  stemmer.stemmer = both.stemmer = both.characters = true;
  EXPECT_EQ(error_of([&] { signature("token_f1", stemmer); }),
            "token_f1: the option --stemmer does not apply to this metric");
  EXPECT_EQ(error_of([&] { score("rouge", both, {}, {}); }),
            "rouge: --stemmer works on words, --characters has none: choose one");
}

TEST(Metric, CountsMustAgree) {
  const std::vector<std::string> two = {"a", "b"}, one = {"a"};
  EXPECT_EQ(error_of([&] { score("rouge", {}, two, one); }),
            "rouge: 2 predictions, but 1 references");
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
