// The example with the real model: what a plan foretells comes true, and a second run is over at
// once.
#include <gtest/gtest.h>

#include <iostream>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "tests/support/cli_case.h"
#include "tests/support/real_model.h"
#include "tests/support/temp_folder.h"

namespace pomona::test {
namespace {

constexpr std::string_view kRun =
    "pomona run app.toml --json --no-serve --set model.base=./model.gguf --set evaluate.limit=8 "
    "--set tune.methods=[]";  // training takes minutes

void put_example(const fs::path& folder, const fs::path& model) {
  for (const auto& item : fs::directory_iterator(POMONA_SOURCE_DIR "/examples/meeting-notes"))
    if (item.is_regular_file()) fs::copy(item.path(), folder);
  fs::create_symlink(fs::absolute(model), folder / "model.gguf");
}

TEST(RunFull, TheExampleTakesWhatThePlanSaysAndThenNothing) {
  const auto model = real_model();
  if (!model) GTEST_SKIP() << test::kNoRealModel;
  const TempFolder folder;
  put_example(folder.path(), *model);
  const CliOutcome first = run_shell(std::string(kRun), folder.path());
  ASSERT_EQ(first.exit_code, 0) << first.error;
  const Stopwatch watch;
  const CliOutcome second = run_shell(std::string(kRun), folder.path());
  EXPECT_LE(watch.seconds(), 1);
  const Json told = parse_json(second.out, "run");
  ASSERT_EQ(told.at("stages").size(), 5u);
  for (const Json& stage : told.at("stages")) EXPECT_EQ(stage.at("status"), "cached") << stage;

  double seconds = 0, predicted = 0;
  const Json report = read_json(told.at("report_json").get<std::string>());
  ASSERT_EQ(report.at("methods").size(), 3u);
  for (const Json& method : report.at("methods")) {
    const auto peak = method.at("peak_bytes").get<double>();
    const auto predicted_peak = method.at("predicted_peak_bytes").get<double>();
    std::cout << fmt::format(
        "{}: {:.1f} s, expected {:.1f}; {}, expected {}\n", method.at("name").get<std::string>(),
        method.at("seconds").get<double>(), method.at("predicted_seconds").get<double>(),
        human_bytes(static_cast<std::uint64_t>(peak)),
        human_bytes(static_cast<std::uint64_t>(predicted_peak)));
    EXPECT_LE(peak, predicted_peak);  // a plan says "at most"
    // Eight rows fill half a batch and share most of their prompts; a plan counts on neither.
    EXPECT_GT(peak, 0.2 * predicted_peak);
    seconds += method.at("seconds").get<double>();
    predicted += method.at("predicted_seconds").get<double>();
  }
  // Finds a wrong unit or a forgotten factor; the machine may be used by others meanwhile.
  EXPECT_LT(seconds, 5 * predicted);
  EXPECT_GT(seconds, predicted / 5);
}

}  // namespace
}  // namespace pomona::test
