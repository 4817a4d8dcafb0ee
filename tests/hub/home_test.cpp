// Where the home folder is, and free space.
#include "hub/home.h"

#include "tests/hub/store_fixture.h"

namespace pomona::hub {
namespace {

using test::ScopedEnv;

TEST(Home, FollowsTheEnvironmentInOrder) {
  const ScopedEnv home("HOME", "/home/u");
  const ScopedEnv data("XDG_DATA_HOME", "/data");
  const ScopedEnv own("POMONA_HOME", "/own");
  EXPECT_EQ(Home().root(), "/own");
  const ScopedEnv none("POMONA_HOME", "");
  EXPECT_EQ(Home().root(), "/data/pomona");
  const ScopedEnv relative("XDG_DATA_HOME", "data");
  EXPECT_EQ(Home().root(), "/home/u/.local/share/pomona");
}

TEST(Home, SaysWhatToSetWithoutAny) {
  const ScopedEnv home("HOME", std::nullopt);
  const ScopedEnv data("XDG_DATA_HOME", std::nullopt);
  const ScopedEnv own("POMONA_HOME", std::nullopt);
  const Error error = error_of([] { Home(); });
  EXPECT_EQ(error.kind(), ErrorKind::bad_argument);
  EXPECT_TRUE(contains(error.what(), "set POMONA_HOME"));
  const ScopedEnv relative("POMONA_HOME", "here");
  EXPECT_EQ(error_of([] { Home(); }).kind(), ErrorKind::bad_argument);
}

// Errors that hold for root too: a file where a folder should be, a link to itself.
TEST(Home, WhatTheSystemDeniesNamesPomonaHome) {
  const test::TempFolder folder;
  write_file(folder / "file", "");
  const Home home(folder / "file/home");
  const std::string remedy = "; set POMONA_HOME to a folder that you may use";
  const Error made = error_of([&] { home.open_database(); });
  EXPECT_EQ(made.kind(), ErrorKind::io);
  EXPECT_EQ(made.what(), "make folder: " + home.root().string() + ": Not a directory" + remedy);
  fs::create_symlink("loop", folder / "loop");
  const Error looked = error_of([&] { Home(folder / "loop").has(folder / "loop/models"); });
  EXPECT_EQ(looked.kind(), ErrorKind::io);
  EXPECT_TRUE(contains(looked.what(), "look at: ") && contains(looked.what(), remedy))
      << looked.what();
}

TEST(Home, ChecksTheDiskOfAFolderThatIsNotThereYet) {
  const test::TempFolder folder;
  check_free_space(folder / "a/b/c", 1, "pull");
  const Error error =
      error_of([&] { check_free_space(folder / "a/b/c", std::uint64_t{1} << 60, "pull"); });
  EXPECT_EQ(error.kind(), ErrorKind::exhausted);
  EXPECT_TRUE(
      contains(error.what(), "pull: needs 1153 PB on the disk of " + folder.path().string()))
      << error.what();
}

}  // namespace
}  // namespace pomona::hub
