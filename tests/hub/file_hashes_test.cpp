// File hashes: right after every change, and remembered when nothing changed.
#include "hub/file_hashes.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "tests/hub/store_fixture.h"

namespace pomona::hub {
namespace {

using FileHashesTest = StoreTest;

TEST_F(FileHashesTest, MakesNoStoreJustToRemember) {
  write_file(folder_ / "f", "text");
  EXPECT_EQ(FileHashes(home_).sha256(folder_ / "f"), sha256_hex("text"));
  EXPECT_FALSE(fs::exists(home_.root()));
}

TEST_F(FileHashesTest, FollowsEveryChange) {
  home_.open_database();
  FileHashes hashes(home_);
  const fs::path file = folder_ / "f";
  for (const char* text :
       {"one", "two", "three"}) {  // within the clock's grain, of equal length too
    write_file(file, text);
    EXPECT_EQ(hashes.sha256(file), sha256_hex(text));
    EXPECT_EQ(hashes.sha256(file), sha256_hex(text));
  }
  EXPECT_EQ(error_of([&] { hashes.sha256(folder_ / "none"); }).kind(), ErrorKind::not_found);
}

// A digest that is not the file's shows whether the file was read.
TEST_F(FileHashesTest, RemembersAndForgets) {
  const fs::path file = folder_ / "f";
  write_file(file, "text");
  FileHashes(home_).remember(file, "remembered");
  FileHashes hashes(home_);
  EXPECT_EQ(hashes.sha256(file), "remembered");
  EXPECT_EQ(hashes.sha256(file.parent_path() / "." / "f"), "remembered");
  const timespec times[] = {{1000, 0}, {1000, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, file.c_str(), times, 0), 0);
  EXPECT_EQ(hashes.sha256(file), sha256_hex("text"));
}

TEST_F(FileHashesTest, AReplacedFileOfTheSameSizeAndTimeIsSeen) {
  const fs::path file = folder_ / "f";
  const timespec times[] = {{1000, 0}, {1000, 0}};
  write_file(file, "aaaa");
  ASSERT_EQ(::utimensat(AT_FDCWD, file.c_str(), times, 0), 0);
  FileHashes hashes(home_);
  hashes.remember(file, sha256_hex("aaaa"));
  write_file(file, "bbbb");
  ASSERT_EQ(::utimensat(AT_FDCWD, file.c_str(), times, 0), 0);
  EXPECT_EQ(hashes.sha256(file), sha256_hex("bbbb"));
}

}  // namespace
}  // namespace pomona::hub
