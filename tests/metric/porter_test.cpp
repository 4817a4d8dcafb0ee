#include "metric/porter.h"

#include <gtest/gtest.h>

#include <string>

#include "base/json.h"

namespace pomona::metric {
namespace {

TEST(Porter, EqualsTheReferenceOnEveryWord) {
  const Json golden = read_json(POMONA_SOURCE_DIR "/tests/golden/porter.json");
  ASSERT_GT(golden["rows"].size(), 800u);
  for (const Json& row : golden["rows"]) {
    EXPECT_EQ(porter_stem(row[0].get<std::string>()), row[1].get<std::string>()) << row[0];
  }
}

TEST(Porter, StaysLinearOnRunsOfY) {
  const std::string word(1 << 20, 'y');
  const std::string stem = porter_stem(word);  // seconds if each letter looked back over the run
  EXPECT_EQ(stem.size(), word.size());
  EXPECT_EQ(stem.back(), 'i');  // the last y follows a consonant: an odd number of y precede
}

}  // namespace
}  // namespace pomona::metric
