// Which method is picked and promoted, and what is said about it.
#include "eval/comparison.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace pomona::eval {
namespace {

constexpr std::size_t kRows = 40;

/// Answers of which the first `right` match the references.
std::vector<std::string> answers(std::size_t right) {
  std::vector<std::string> texts(kRows, "wrong");
  for (std::size_t i = 0; i < right; ++i) texts[i] = "right";
  return texts;
}

ComparisonResult compare(const std::vector<MethodAnswers>& methods) {
  const std::vector<std::string> references(kRows, "right");
  return compare_methods(methods, references, references, {{"exact_match", {}}},
                         {"exact_match", 0.05});
}

TEST(Comparison, PromotesWhatTheTestRowsConfirm) {
  const auto result = compare({{"zero", answers(10), answers(10)},
                               {"one", answers(12), answers(40)},
                               {"four", answers(30), answers(30)}});
  EXPECT_EQ(result.picked, "four");  // by valid, though "one" has the best test score
  EXPECT_EQ(result.promoted, "four");
  EXPECT_TRUE(result.beats_baseline);
  EXPECT_EQ(result.why,
            "four is best on the validation rows, and the test rows confirm it: 50.0 exact match "
            "points above zero (p < 0.001)");
  EXPECT_DOUBLE_EQ(result.methods[2].test[0].scores[0].interval.mean, 0.75);
  EXPECT_DOUBLE_EQ(result.methods[2].difference->mean, 0.5);
  EXPECT_FALSE(result.methods[0].p_value);
}

TEST(Comparison, DoesNotPromoteWhatForgetsTooMuch) {
  const auto with = [](double forgetting) {
    return compare(
        {{"zero", answers(10), answers(10)}, {"one", answers(30), answers(30), forgetting}});
  };
  EXPECT_EQ(with(1).promoted, "one");
  const auto forgets = with(1.01);
  EXPECT_TRUE(forgets.beats_baseline);
  EXPECT_EQ(forgets.promoted, "zero");
  EXPECT_NE(forgets.why.find("but it forgets: general text is 1.01 nats"), std::string::npos);
}

TEST(Comparison, CorrectsForTheNumberOfMethods) {
  // Rows won alone: 6 of 40. Exactly, p = 2 / 2^6 = 0.031; Holm doubles it for the second method.
  const auto alone = compare({{"zero", answers(4), answers(4)}, {"one", answers(10), answers(10)}});
  const auto two = compare({{"zero", answers(4), answers(4)},
                            {"one", answers(10), answers(10)},
                            {"same", answers(4), answers(10)}});
  // 10000 draws: standard error sqrt(.031 * .969 / 10000) = 0.0017; five of them.
  EXPECT_NEAR(*alone.methods[1].p_value, 2.0 / 64, 0.0087);
  EXPECT_NEAR(*two.methods[1].p_value, 4.0 / 64, 0.0174);
  EXPECT_TRUE(alone.beats_baseline);
  EXPECT_EQ(alone.promoted, "one");
  EXPECT_FALSE(two.beats_baseline);
  EXPECT_EQ(two.promoted, "zero");
  EXPECT_NE(two.why.find("is not significant"), std::string::npos);
}

TEST(Comparison, KeepsTheFirstMethodWhenOthersLose) {
  const auto worse =
      compare({{"zero", answers(20), answers(30)}, {"one", answers(25), answers(5)}});
  EXPECT_EQ(worse.picked, "one");
  EXPECT_EQ(worse.promoted, "zero");
  EXPECT_EQ(worse.why,
            "one is best on the validation rows, but on the test rows it is 62.5 exact match "
            "points below zero (p < 0.001)");
  const auto none =
      compare({{"zero", answers(20), answers(20)}, {"one", answers(20), answers(40)}});
  EXPECT_EQ(none.picked, "zero");  // a tie goes to the simpler one
  EXPECT_EQ(none.why, "no method has a better exact match than zero on the validation rows");
}

TEST(Comparison, OneMethodHasNothingToBeComparedWith) {
  const std::vector<std::string> references(kRows, "right");
  const auto result = compare_methods({{"zero", {}, answers(20)}}, {}, references,
                                      {{"exact_match", {}}}, {"exact_match", 0.05});
  EXPECT_EQ(result.promoted, "zero");
  EXPECT_FALSE(result.methods[0].valid);
  EXPECT_EQ(result.why, "zero is the only method of this run");
}

}  // namespace
}  // namespace pomona::eval
