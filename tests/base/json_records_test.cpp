// JSON Lines with an end that a killed process left.
#include "base/json_records.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "tests/support/temp_folder.h"

namespace pomona {
namespace {

TEST(JsonRecords, OnlyWholeOnesCount) {
  const test::TempFolder folder;
  const fs::path path = folder / "log.jsonl";
  EXPECT_TRUE(read_whole_records(path).empty());
  EXPECT_TRUE(keep_whole_records(path).empty());
  EXPECT_FALSE(fs::exists(path));
  for (const char* rest : {"{\"i\":2", "{\"i\":2}", "{\"i\"\n{\"i\":3}\n", ""}) {
    write_file(path, std::string("{\"i\":0}\n{\"i\":1}\n") + rest);
    EXPECT_EQ(read_whole_records(path), (std::vector<Json>{{{"i", 0}}, {{"i", 1}}})) << rest;
  }
}

TEST(JsonRecords, TheRestIsCutOff) {
  const test::TempFolder folder;
  const fs::path path = folder / "log.jsonl";
  write_file(path, "{\"i\":0}\n{\"i\":1}\n{\"i\":");
  EXPECT_EQ(keep_whole_records(path).size(), 2u);
  EXPECT_EQ(read_file(path), "{\"i\":0}\n{\"i\":1}\n");
  EXPECT_EQ(keep_whole_records(path, 1).size(), 1u);
  EXPECT_EQ(read_file(path), "{\"i\":0}\n");
  EXPECT_TRUE(keep_whole_records(path, 0).empty());
  EXPECT_EQ(read_file(path), "");
}

}  // namespace
}  // namespace pomona
