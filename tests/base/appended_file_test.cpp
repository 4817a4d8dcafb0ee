// A file of records: it keeps what is in it, and no record by half.
#include "base/appended_file.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "tests/support/file_limit.h"
#include "tests/support/refused.h"
#include "tests/support/temp_folder.h"

namespace pomona {
namespace {

TEST(AppendedFile, GoesOnBehindWhatIsThere) {
  const test::TempFolder folder;
  const fs::path path = folder / "log";
  AppendedFile(path).append("one\n");
  AppendedFile file(path);
  file.append("two\n");
  file.sync();
  EXPECT_EQ(read_file(path), "one\ntwo\n");
  EXPECT_EQ(test::error_of([&] { AppendedFile(folder / "none/log"); }).kind(),
            ErrorKind::not_found);
}

TEST(AppendedFile, AFullDiskLeavesWholeRecords) {
  const test::TempFolder folder;
  const fs::path path = folder / "log";
  AppendedFile file(path);
  file.append("first\n");
  const std::string record(80, 'x');
  const Error error = test::error_of([&] {
    const test::FileLimit full(50);
    file.append(record);
  });
  EXPECT_EQ(error.kind(), ErrorKind::exhausted);
  EXPECT_EQ(read_file(path), "first\n");
  file.append("second\n");
  EXPECT_EQ(read_file(path), "first\nsecond\n");
}

}  // namespace
}  // namespace pomona
