// Numbers of data sets small enough to count by hand.
#include "train/inspect.h"

#include <gtest/gtest.h>

namespace pomona::train {
namespace {

Example of_length(std::size_t length, text::TokenId first) {
  Example example{std::vector<text::TokenId>(length, 7), std::vector<std::uint8_t>(length, 1), 1};
  example.tokens.front() = first;
  example.supervised.front() = 0;
  return example;
}

TEST(Inspect, LengthsAreThoseThatOccur) {
  std::vector<Example> examples;
  for (std::size_t length = 20; length > 0; --length) examples.push_back(of_length(length, 1));
  const LengthFacts facts = length_facts(examples_of(examples));
  EXPECT_EQ(facts.least, 1);
  EXPECT_EQ(facts.median, 10);
  EXPECT_EQ(facts.p95, 19);
  EXPECT_EQ(facts.most, 20);
  EXPECT_EQ(length_facts(examples_of({})).most, 0);
}

TEST(Inspect, DuplicatesAndOverlap) {
  const Examples one = examples_of(
      {of_length(3, 1), of_length(3, 2), of_length(3, 1), of_length(4, 1), of_length(3, 1)});
  EXPECT_EQ(count_duplicates(one), 2u);
  EXPECT_EQ(count_overlap(one, examples_of({of_length(3, 2), of_length(5, 2), of_length(3, 2)})),
            2u);
}

}  // namespace
}  // namespace pomona::train
