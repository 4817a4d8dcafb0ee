#include "base/thread_pool.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <numeric>
#include <vector>

#include "base/error.h"
#include "tests/support/refused.h"

namespace pomona {
namespace {

TEST(ThreadPool, RunsEachChunkOnce) {
  for (const int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    for (int round = 0; round < 200; ++round) {
      std::vector<std::atomic<int>> counts(static_cast<std::size_t>(round % 37));
      pool.parallel_for(static_cast<std::int64_t>(counts.size()),
                        [&](std::int64_t chunk) { counts[static_cast<std::size_t>(chunk)]++; });
      for (const auto& count : counts) EXPECT_EQ(count, 1);
    }
  }
}

// A thread late for one job must not draw from the next: with the old ticket, which held chunks
// drawn and not chunks left, two threads hung and four miscounted within 20 million such jobs.
TEST(ThreadPool, ShortJobsInQuickSuccessionLoseAndRepeatNothing) {
  for (const int threads : {2, 4}) {
    ThreadPool pool(threads);
    std::atomic<std::int64_t> drawn = 0;
    std::int64_t expected = 0;
    for (std::int64_t round = 0; round < 500000; ++round) {
      const std::int64_t chunks = 2 + round * 37 % 61;  // now more, now fewer than the job before
      expected += chunks;
      pool.parallel_for(chunks, [&](std::int64_t chunk) { drawn += chunk < chunks ? 1 : 1000000; });
      ASSERT_EQ(drawn, expected) << "round " << round;
    }
  }
}

TEST(ThreadPool, ExceptionReachesCallerAndPoolStaysUsable) {
  ThreadPool pool(2);
  EXPECT_THROW(pool.parallel_for(16,
                                 [](std::int64_t chunk) {
                                   if (chunk == 7) fail(ErrorKind::bad_argument, "seven");
                                 }),
               Error);
  std::atomic<int> sum = 0;
  pool.parallel_for(10, [&](std::int64_t chunk) { sum += static_cast<int>(chunk); });
  EXPECT_EQ(sum, 45);
}

/// Ends this process with 0 if a pool whose second worker cannot be made throws `exhausted`, while
/// the first one already waits for work.
[[noreturn]] void make_a_pool_in_too_little_memory() {
  constexpr std::size_t kMiB = std::size_t{1} << 20;
  ::alarm(30);  // a pool that waits for ever must fail the test, not stop it
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 512 * kMiB);
  pthread_setattr_default_np(&attributes);
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const rlim_t most = pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) + 900 * kMiB;
  const rlimit limit{most, most};
  ::setrlimit(RLIMIT_AS, &limit);
  const Error error = test::error_of([] { const ThreadPool pool(3); });
  std::cerr << error.what();
  std::_Exit(error.kind() == ErrorKind::exhausted ? 0 : 1);
}

TEST(ThreadPool, AThreadThatCannotBeMadeIsAnErrorAndEndsTheOthers) {
  EXPECT_EXIT(make_a_pool_in_too_little_memory(), testing::ExitedWithCode(0),
              "thread pool: the system gives [12] threads, not 3");
}

TEST(ThreadPool, RefusesNoThreads) { EXPECT_THROW(ThreadPool(0), Error); }

}  // namespace
}  // namespace pomona
