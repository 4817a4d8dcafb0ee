// The names that Git gives files.
#include "base/hash.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "tests/support/temp_folder.h"

namespace pomona {
namespace {

// Pro Git, 2nd edition, section 10.2, and the well-known name of nothing.
TEST(Hash, NamesFilesAsGitDoes) {
  const test::TempFolder folder;
  write_file(folder / "doc", "what is up, doc?");
  EXPECT_EQ(git_blob_name(folder / "doc"), "bd9dbf5aae1a3862dd1526723246b20206e5fc37");
  write_file(folder / "empty", "");
  EXPECT_EQ(git_blob_name(folder / "empty"), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
}

}  // namespace
}  // namespace pomona
