// Fifty kills of `pomona run`, each at a moment of its own.
#include <gtest/gtest.h>

#include <iostream>

#include "tests/support/killed_runs.h"

namespace pomona::test {
namespace {

TEST(RunSoak, FiftyKillsLeaveNoTrace) {
  const KilledRuns found = kill_and_compare(50, 2);
  EXPECT_EQ(found.kills, 50);
  EXPECT_GT(found.kept, 100u);  // else the kills all came before the first answers
  std::cout << found.kills << " kills in " << found.runs << " runs; " << found.kept
            << " finished answers were kept\n";
}

}  // namespace
}  // namespace pomona::test
