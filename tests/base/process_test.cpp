// Child processes: exit codes, output, environment, and that a stop request ends them.
#include "base/process.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/clock.h"

namespace pomona {
namespace {

TEST(Process, GivesExitCodeAndBothOutputs) {
  const ProcessResult result =
      run_process({"sh", "-c", "echo one; echo two >&2; read x || echo none; exit 3"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.output, "one\ntwo\nnone\n");
}

TEST(Process, KeepsTheEndOfLongOutput) {
  const ProcessResult result =
      run_process({"sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x; echo end"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.output.size(), 64u << 10);
  EXPECT_TRUE(result.output.ends_with("xend\n"));
}

TEST(Process, ReplacesEnvironmentEntries) {
  ProcessOptions options;
  options.environment = {"HOME=/nowhere", "POMONA_NEW=1"};
  EXPECT_EQ(run_process({"sh", "-c", "echo $HOME $POMONA_NEW"}, options).output, "/nowhere 1\n");
}

TEST(Process, TellsOfSignalsAndMissingPrograms) {
  EXPECT_EQ(run_process({"sh", "-c", "kill -9 $$"}).exit_code, 128 + 9);
  try {
    run_process({"pomona-no-such-program"});
    FAIL() << "ran a program that is not there";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::not_found);
  }
}

TEST(Process, AStopRequestEndsIt) {
  StopToken stop;
  int ticks = 0;
  ProcessOptions options;
  options.stop = &stop;
  options.on_tick = [&] {
    if (++ticks == 2) stop.request();
  };
  const Stopwatch watch;
  EXPECT_THROW(run_process({"sleep", "60"}, options), Error);
  EXPECT_LT(watch.seconds(), 10);
}

}  // namespace
}  // namespace pomona
