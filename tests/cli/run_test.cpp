// `pomona run` as the real program with a tiny model: killed, interrupted, out of disk, run again.
#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "tests/support/cli_case.h"
#include "tests/support/killed_runs.h"
#include "tests/support/temp_folder.h"
#include "tests/support/terminal_program.h"
#include "tests/support/tiny_app.h"

namespace pomona::test {
namespace {

TEST(RunCommand, KilledAtAnyMomentGoesOnAsIfNothingHadHappened) {
  const KilledRuns found = kill_and_compare(5, 1);
  EXPECT_EQ(found.kills, 5);
  EXPECT_GE(found.runs, 1);
}

TEST(RunCommand, ASecondRunTakesLessThanASecond) {
  const TempFolder folder;
  put_tiny_app(folder.path());
  ASSERT_EQ(run_shell("pomona run app.toml", folder.path()).exit_code, 0);
  const Stopwatch watch;
  const CliOutcome second = run_shell("pomona run app.toml --json", folder.path());
  EXPECT_LT(watch.seconds(), 1);
  const Json told = parse_json(second.out, "run");
  ASSERT_EQ(told.at("stages").size(), 5u);
  for (const Json& stage : told.at("stages")) EXPECT_EQ(stage.at("status"), "cached") << stage;
}

TEST(RunCommand, CtrlCKeepsWhatIsFinished) {
  const TempFolder folder;
  const ScopedEnv home("POMONA_HOME", (folder / ".home").string());
  const ScopedEnv data("POMONA_DATA", POMONA_SOURCE_DIR);
  put_tiny_app(folder.path());
  const std::vector<std::string> command = {"run",       (folder / "app.toml").string(),
                                            "--set",     "evaluate.max_new_tokens=300",
                                            "--set",     "prompt.shots=[0]",
                                            "--no-serve"};
  TerminalProgram run(command);
  ASSERT_TRUE(run.shows("evaluate zero-shot on test")) << run.unread();
  run.type("\x03");
  EXPECT_TRUE(
      run.shows("pomona: run: interrupted in the stage evaluate; what is finished is kept, "
                "and the same command goes on from there"))
      << run.unread();
  EXPECT_EQ(run.wait(), 130);
  EXPECT_FALSE(fs::exists(folder / "report"));
  TerminalProgram again(command);
  ASSERT_TRUE(again.shows("report.html")) << again.unread();
  EXPECT_EQ(again.wait(), 0);
}

/// Test rows whose answers need 130 kB: more than the limit of the test below, which is 80 kB since
/// the database needs 70.
void write_many_rows(const fs::path& file) {
  std::string rows;
  for (int i = 0; i < 200; ++i)
    rows += fmt::format("{{\"text\": \"row {}\", \"note\": \"note {}\"}}\n", i, i);
  write_file(file, rows);
}

TEST(RunCommand, AFullDiskKeepsWhatIsFinished) {
  const TempFolder folder;
  put_tiny_app(folder.path());
  write_many_rows(folder / "test.jsonl");
  const std::string command =
      "pomona run app.toml --set 'prompt.shots=[0]' --set evaluate.max_new_tokens=400";
  const CliOutcome full = run_shell("ulimit -f 160; " + command + " --json", folder.path());
  EXPECT_EQ(full.exit_code, 5) << full.error;
  const Json json = parse_json(full.out, "run");
  EXPECT_EQ(json.at("stages").back().at("name"), "evaluate");
  EXPECT_EQ(json.at("error").at("kind"), "exhausted");
  EXPECT_NE(full.error.find("/samples.jsonl: "), std::string::npos) << full.error;
  EXPECT_FALSE(fs::exists(folder / "report"));
  const CliOutcome roomy = run_shell(command, folder.path());
  EXPECT_EQ(roomy.exit_code, 0) << roomy.error;
  EXPECT_NE(roomy.error.find("of 200 rows are there already"), std::string::npos) << roomy.error;
}

}  // namespace
}  // namespace pomona::test
