// Child processes: exit codes, output, environment, and that a stop request ends them.
#include "base/process.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/clock.h"
#include "base/file.h"
#include "tests/support/refused.h"
#include "tests/support/temp_folder.h"

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
  EXPECT_EQ(test::error_of([] { run_process({"pomona-no-such-program"}); }).kind(),
            ErrorKind::not_found);
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

TEST(Process, AStopRequestEndsWhatItStartedToo) {
  const test::TempFolder folder;
  const std::string path = (folder / "pid").string();
  StopToken stop;
  ProcessOptions options;
  options.stop = &stop;
  options.on_tick = [&] {
    if (std::filesystem::exists(path + ".done")) stop.request();
  };
  const std::string script =
      "sleep 60 & echo $! > " + path + "; mv " + path + " " + path + ".done; wait";
  EXPECT_THROW(run_process({"sh", "-c", script}, options), Error);
  const pid_t grandchild = std::stoi(read_file(path + ".done"));
  // It is gone, or a zombie until whoever adopted it looks.
  std::error_code error;
  const std::string status = "/proc/" + std::to_string(grandchild) + "/status";
  const bool gone = !std::filesystem::exists(status, error) ||
                    read_file(status).find("State:\tZ") != std::string::npos;
  EXPECT_TRUE(gone);
}

}  // namespace
}  // namespace pomona
