// The rows of an application: all are checked, and how a limit draws from them.
#include "lifecycle/data.h"

#include <algorithm>

#include "tests/lifecycle/fixture.h"

namespace pomona::lifecycle {
namespace {

TEST_F(LifecycleTest, RowsBehindTheLimitAreCheckedToo) {
  const fs::path file = folder_ / "d.jsonl";
  write_file(file, "{\"a\": \"1\", \"b\": \"2\"}\nbroken\n");
  EXPECT_EQ(error_of([&] { read_rows(file, "a", "b", 1); }).kind(), ErrorKind::bad_file);
}

/// The numbers of the rows that a limit leaves of a sorted file of `count` rows.
std::vector<std::uint64_t> drawn(const fs::path& file, int count, std::size_t limit) {
  std::string text = "a,b\n";
  for (int i = 1; i <= count; ++i) text += fmt::format("text {},{}\n", i, i);
  write_file(file, text);
  const Rows found = read_rows(file, "a", "b", limit);
  EXPECT_EQ(found.in_file, static_cast<std::size_t>(count));
  std::vector<std::uint64_t> numbers;
  for (const Row& row : found.rows) {
    EXPECT_EQ(row.output, std::to_string(row.number));
    numbers.push_back(row.number);
  }
  EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
  return numbers;
}

TEST_F(LifecycleTest, ALimitDrawsFromTheWholeFile) {
  const fs::path file = folder_ / "d.csv";
  const auto few = drawn(file, 1000, 100);
  ASSERT_EQ(few.size(), 100u);
  EXPECT_EQ(drawn(file, 1000, 100), few);
  // Hypergeometric: 10 of each tenth expected, standard deviation 2.9; 1 to 19 is beyond 3 of them.
  for (std::uint64_t tenth = 0; tenth < 10; ++tenth) {
    const auto there = std::count_if(few.begin(), few.end(),
                                     [&](std::uint64_t n) { return (n - 1) / 100 == tenth; });
    EXPECT_GE(there, 1) << tenth;
    EXPECT_LE(there, 19) << tenth;
  }
  EXPECT_EQ(drawn(file, 5, 100).size(), 5u);
}

TEST_F(LifecycleTest, ADrawIsStableUnderGrowth) {
  const fs::path file = folder_ / "d.csv";
  const auto few = drawn(file, 1000, 100);
  const auto more = drawn(file, 1000, 150);
  EXPECT_TRUE(std::includes(more.begin(), more.end(), few.begin(), few.end()));
  const auto grown = drawn(file, 1100, 100);  // a tenth more: a tenth of the drawn ones expected
  const auto old = std::count_if(grown.begin(), grown.end(), [](auto n) { return n <= 1000; });
  EXPECT_GE(old, 80);
  EXPECT_TRUE(std::includes(few.begin(), few.end(), grown.begin(), grown.begin() + old));
}

}  // namespace
}  // namespace pomona::lifecycle
