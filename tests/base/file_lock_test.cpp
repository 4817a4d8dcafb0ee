// Locks between processes: exclusion, sharing, and that a dead holder holds nothing.
#include "base/file_lock.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "tests/support/refused.h"
#include "tests/support/temp_folder.h"

namespace pomona {
namespace {

using Mode = FileLock::Mode;

TEST(FileLock, ExcludesAndReleases) {
  const test::TempFolder folder;
  {
    const auto first = FileLock::try_take(folder / "a/b.lock");
    ASSERT_TRUE(first);
    EXPECT_FALSE(FileLock::try_take(folder / "a/b.lock"));
    EXPECT_FALSE(FileLock::try_take(folder / "a/b.lock", Mode::shared));
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "a/b.lock"));
  EXPECT_TRUE(FileLock::try_take(folder / "a/b.lock"));
}

TEST(FileLock, SharedHoldersKeepExclusiveOnesOut) {
  const test::TempFolder folder;
  auto first = FileLock::try_take(folder / "x", Mode::shared);
  const auto second = FileLock::try_take(folder / "x", Mode::shared);
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(FileLock::try_take(folder / "x"));
  first.reset();
  EXPECT_FALSE(FileLock::try_take(folder / "x"));
}

TEST(FileLock, ADeadHolderHoldsNothing) {
  const test::TempFolder folder;
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto lock = FileLock::try_take(folder / "x");
    if (::write(ready[1], "y", 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_FALSE(FileLock::try_take(folder / "x"));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(FileLock::try_take(folder / "x"));
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(FileLock, WaitsUntilStopped) {
  const test::TempFolder folder;
  const auto held = FileLock::try_take(folder / "x");
  StopToken stop;
  stop.request();
  const auto take = [&] { FileLock::take(folder / "x", "waiting for x", no_progress(), stop); };
  EXPECT_EQ(test::error_of(take).kind(), ErrorKind::cancelled);
}

TEST(FileLock, AFolderThatCannotBeMadeIsTheFault) {
  const test::TempFolder folder;
  write_file(folder / "file", "");
  EXPECT_EQ(test::refused([&] { FileLock::try_take(folder / "file/locks/x"); }),
            "io: make folder: " + (folder / "file/locks").string() + ": Not a directory");
}

// Four threads add to a plain counter under the lock; the lock file is removed and made again all
// the time, so a lost race between remove and open would show as a lost addition.
TEST(FileLock, NeverHasTwoHolders) {
  const test::TempFolder folder;
  std::atomic<int> inside = 0;
  std::atomic<bool> overlap = false;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200;) {
        const auto lock = FileLock::try_take(folder / "x");
        if (!lock) {
          std::this_thread::yield();
          continue;
        }
        if (++inside != 1) overlap = true;
        std::this_thread::yield();
        --inside;
        ++i;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(overlap);
}

}  // namespace
}  // namespace pomona
