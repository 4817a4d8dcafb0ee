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
