// `pomona tune` as the real program with a tiny model: interrupted, killed, out of disk, resumed.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/json.h"
#include "base/json_records.h"
#include "base/random.h"
#include "tests/support/background_program.h"
#include "tests/support/cli_case.h"
#include "tests/support/golden.h"
#include "tests/support/html.h"
#include "tests/support/temp_folder.h"
#include "tests/support/terminal_program.h"

namespace pomona::test {
namespace {

constexpr std::string_view kRun = R"([model]
base = "llama_tiny.gguf"
[data]
train = "train.jsonl"
valid = "valid.jsonl"
[method]
rank = 2
dropout = 0.1
[train]
steps = 60
batch_size = 2
checkpoint_every = 5
evaluate_every = 20
keep = "last"
[output]
dir = "out"
)";

/// Makes a folder with a run, its data and its model.
void put_run(const fs::path& folder) {
  fs::copy(golden::path_of("llama_tiny.gguf"), folder / "llama_tiny.gguf");
  std::string rows;
  for (int i = 0; i < 12; ++i)
    rows +=
        fmt::format("{{\"prompt\": \"hill {}\", \"completion\": \" {} river\"}}\n", i, 9 - i % 5);
  write_file(folder / "train.jsonl", rows);
  write_file(folder / "valid.jsonl", "{\"prompt\": \"hill 30\", \"completion\": \" 4 river\"}\n");
  write_file(folder / "run.toml", kRun);
}

Json tuned(const std::string& arguments, const fs::path& folder) {
  const CliOutcome outcome = run_shell("pomona tune run.toml --json " + arguments, folder);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.error;
  return parse_json(outcome.out, "tune");
}

/// The log without what depends on the clock.
std::vector<Json> log_of(const fs::path& run) {
  std::vector<Json> records = read_whole_records(run / "metrics.jsonl");
  for (Json& record : records) {
    record.erase("seconds");
    record.erase("tokens_per_second");
  }
  return records;
}

TEST(TuneCommand, TellsWhatItDid) {
  const TempFolder folder;
  put_run(folder.path());
  const Json told = tuned("", folder.path());
  for (const char* key : {"steps", "tokens", "tokens_per_second", "train_loss", "eval_loss",
                          "trainable_parameters", "total_parameters", "peak_bytes",
                          "predicted_peak_bytes", "predicted_seconds", "output", "state_sha256"})
    EXPECT_TRUE(told.contains(key)) << key;
  EXPECT_EQ(told.at("steps"), 60);
  expect_page_alone(read_file(folder / "out/curves.html"));
  const std::vector<Json> log = log_of(folder / "out");
  EXPECT_LT(log.back().at("eval_loss").get<double>(), log.front().at("eval_loss").get<double>());
}

TEST(TuneCommand, ThreadsChangeNoBit) {
  const TempFolder folder;
  put_run(folder.path());
  const Json one = tuned("--set train.threads=1", folder.path());
  const Json three = tuned("--set train.threads=3 --set output.dir=other", folder.path());
  EXPECT_EQ(one.at("state_sha256"), three.at("state_sha256"));
  EXPECT_EQ(log_of(folder / "out"), log_of(folder / "other"));
}

TEST(TuneCommand, CtrlCWritesTheStateAndSaysHowToGoOn) {
  const TempFolder folder;
  const ScopedEnv home("POMONA_HOME", (folder / ".home").string());
  const ScopedEnv data("POMONA_DATA", POMONA_SOURCE_DIR);
  put_run(folder.path());
  const std::string file = (folder / "run.toml").string();
  TerminalProgram run({"tune", file, "--set", "train.steps=100000", "--set",
                       "train.checkpoint_every=0", "--set", "train.evaluate_every=1000000"});
  ASSERT_TRUE(run.shows("loss")) << run.unread();
  run.type("\x03");
  EXPECT_TRUE(run.shows("pomona: tune: interrupted after step ")) << run.unread();
  EXPECT_TRUE(run.shows("--resume")) << run.unread();
  EXPECT_EQ(run.wait(), 130);
  EXPECT_TRUE(fs::exists(folder / "out/state.safetensors"));
  TerminalProgram again({"tune", file});
  EXPECT_TRUE(again.shows("--resume goes on with it")) << again.unread();
  EXPECT_EQ(again.wait(), 2);
}

TEST(TuneCommand, KilledAtAnyMomentItEndsWithTheSameBits) {
  const TempFolder folder;
  put_run(folder.path());
  const Json whole = tuned("--set output.dir=whole", folder.path());
  const Random random(1, 7);
  int kills = 0;
  for (std::uint64_t attempt = 0; kills < 6 && attempt < 30; ++attempt) {
    BackgroundProgram run({"tune", "run.toml", "--resume"}, folder.path(), folder / ".home",
                          folder / "log");
    if (run.ends_within(0.02 + 0.3 * random.uniform(attempt))) {
      ASSERT_EQ(run.wait(), 0) << read_file(folder / "log");
      fs::remove_all(folder / "out");
      continue;
    }
    run.kill();
    ++kills;
  }
  EXPECT_GE(kills, 3);
  const Json resumed = tuned("--resume", folder.path());
  EXPECT_EQ(resumed.at("state_sha256"), whole.at("state_sha256"));
  EXPECT_EQ(log_of(folder / "out"), log_of(folder / "whole"));
}

TEST(TuneCommand, AFullDiskIsToldWithTheStateThatIsThere) {
  const TempFolder folder;
  put_run(folder.path());
  // 150 kB: enough for the examples and the log, not for all weights with the optimiser's state.
  const CliOutcome full =
      run_shell("ulimit -f 300; pomona tune run.toml --set method.kind=full", folder.path());
  EXPECT_EQ(full.exit_code, 5) << full.error;
  EXPECT_NE(full.error.find("out/state.safetensors: File too large; there was no earlier state"),
            std::string::npos)
      << full.error;
  EXPECT_FALSE(fs::exists(folder / "out/state.safetensors"));
}

TEST(TuneCommand, AnotherRunIsNotGoneOnWith) {
  const TempFolder folder;
  put_run(folder.path());
  tuned("--set train.steps=5", folder.path());
  const CliOutcome other =
      run_shell("pomona tune run.toml --resume --set train.seed=2", folder.path());
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_NE(other.error.find("train.seed is 2, was 1"), std::string::npos) << other.error;
}

}  // namespace
}  // namespace pomona::test
