// Examples are drawn once for all methods, and conversations are built as the report says.
#include "lifecycle/prompts.h"

#include <algorithm>
#include <set>

#include "tests/lifecycle/fixture.h"

namespace pomona::lifecycle {
namespace {

TEST(Prompts, ADrawOfFewerIsTheBeginningOfADrawOfMore) {
  const auto four = draw_examples(200, 4, 1);
  EXPECT_EQ(std::set<std::size_t>(four.begin(), four.end()).size(), 4u);
  EXPECT_LT(*std::max_element(four.begin(), four.end()), 200u);
  EXPECT_EQ(draw_examples(200, 1, 1), std::vector<std::size_t>{four[0]});
  EXPECT_NE(draw_examples(200, 4, 2), four);
  const auto all = draw_examples(5, 5, 3);
  EXPECT_EQ(std::set<std::size_t>(all.begin(), all.end()).size(), 5u);
}

TEST(Prompts, EveryRowIsDrawnAboutEquallyOften) {
  // 2000 draws of 1 of 10: 200 each, standard deviation sqrt(2000 * .1 * .9) = 13.4; 5 of them.
  std::vector<int> count(10, 0);
  for (std::uint64_t seed = 0; seed < 2000; ++seed) ++count[draw_examples(10, 1, seed)[0]];
  for (const int times : count) EXPECT_NEAR(times, 200, 67);
}

TEST(Prompts, ExamplesAreEarlierTurns) {
  const PromptRecipe recipe{"Do it: {input}! {input}", {{"a {input}", "b"}}};
  const auto messages = recipe.messages("c");
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_EQ(messages[0].content, "Do it: a {input}! a {input}");  // data are not a template
  EXPECT_EQ(messages[1].role, "assistant");
  EXPECT_EQ(messages[1].content, "b");
  EXPECT_EQ(messages[2].content, "Do it: c! c");
  EXPECT_EQ(recipe_from_json(to_json(recipe)).messages("c")[0].content, messages[0].content);
  EXPECT_EQ(error_of([] { recipe_from_json({{"instruction", 3}}); }).kind(), ErrorKind::bad_file);
}

}  // namespace
}  // namespace pomona::lifecycle
