// The compress stage: real files of a tiny model, answered by the fake one.
#include "compress/recipe.h"
#include "hub/artefact_store.h"
#include "store/gguf.h"
#include "tests/lifecycle/fixture.h"
#include "tests/support/golden.h"

namespace pomona::lifecycle {
namespace {

class CompressStageTest : public LifecycleTest {
 protected:
  CompressStageTest() { use_model("llama_tiny.gguf"); }

  void use_model(const std::string& name) const {
    fs::copy_file(golden::path_of(name), folder_ / "app/model.gguf",
                  fs::copy_options::overwrite_existing);
  }
  RunOptions asking(const std::string& types) {
    RunOptions with = options();
    with.set = {{"compress.types", types}};
    return with;
  }
  fs::path file_of(const Json& row) {
    return options().home.artefact(row.at("artefact").get<std::string>()) / "model.gguf";
  }
};

TEST_F(CompressStageTest, MeasuresEachTypeBesideTheModelAsItIs) {
  const RunOutcome outcome = run(asking(R"(["Q8_0", "Q4_K_M"])"));
  ASSERT_FALSE(outcome.failure) << outcome.failure->what();
  EXPECT_EQ(statuses(outcome),
            "scope done, select done, prompt done, evaluate done, compress done, report done");
  EXPECT_EQ(facts_.answered, 3 * 26 + 2 * 20);
  EXPECT_EQ(facts_.references, 20);
  const Json report = read_json(outcome.report_json);
  ASSERT_EQ(report.at("compression").size(), 2u);
  std::uint64_t before = report.at("uncompressed").at("bytes").get<std::uint64_t>();
  EXPECT_EQ(before, fs::file_size(folder_ / "app/model.gguf"));
  for (const Json& row : report.at("compression")) {
    EXPECT_EQ(row.at("bytes"), fs::file_size(file_of(row)));
    EXPECT_LT(row.at("bytes").get<std::uint64_t>(), before);
    before = row.at("bytes").get<std::uint64_t>();
    EXPECT_EQ(row.at("tokens_per_second"), 500);
    EXPECT_EQ(row.at("perplexity"), 2.5);
    EXPECT_EQ(row.at("scores").at("rougeL").at("mean"), 1.0);  // with the promoted prompts
    EXPECT_EQ(row.at("difference").at("mean"), 0.0);
    EXPECT_EQ(row.at("p_value"), 1.0);
    EXPECT_EQ(row.at("remark"), "");
  }
  EXPECT_EQ(report.at("compression")[0].at("type"), "Q8_0");
  EXPECT_EQ(report.at("uncompressed").at("scores"), report.at("methods")[1].at("scores"));
  EXPECT_NE(read_file(outcome.report_html).find("<h2>Smaller files</h2>"), std::string::npos);
  const std::string lines = fmt::format("{}", fmt::join(outcome.lines(), "\n"));
  EXPECT_NE(lines.find("\nTypes   as it is"), std::string::npos) << lines;
  EXPECT_NE(lines.find("500 tokens/s, perplexity 2.50, ROUGE-L 100.0"), std::string::npos) << lines;
}

TEST_F(CompressStageTest, DoesAgainOnlyWhatDependsOnAChange) {
  run(asking(R"(["Q8_0"])"));
  const int answered = facts_.answered;
  EXPECT_EQ(statuses(run(asking(R"(["Q8_0"])"))),
            "scope cached, select cached, prompt cached, evaluate cached, compress cached, report "
            "cached");
  EXPECT_EQ(statuses(run(asking(R"(["Q8_0", "Q4_0"])"))),
            "scope cached, select cached, prompt cached, evaluate cached, compress done, report "
            "done");
  EXPECT_EQ(facts_.answered, answered + 20);  // of the new type only
  EXPECT_EQ(statuses(run(asking("[]"))),
            "scope cached, select cached, prompt cached, evaluate cached, report done");
}

TEST_F(CompressStageTest, SaysWhereNothingIsGained) {
  use_model("llama_tiny_q4_1.gguf");
  const RunOutcome outcome = run(asking(R"(["Q8_0", "Q4_1", "Q4_0"])"));
  ASSERT_FALSE(outcome.failure) << outcome.failure->what();
  const Json rows = read_json(outcome.report_json).at("compression");
  EXPECT_EQ(rows[0].at("remark"),
            "not smaller than the model, whose weights are Q4_1: nothing gained but bytes");
  EXPECT_EQ(rows[2].at("remark"),
            "made from weights that are Q4_1 already, which loses more than making it from the "
            "original would");
  EXPECT_GE(std::ranges::count(outcome.notes, "Q8_0: " + rows[0].at("remark").get<std::string>()),
            1);
}

TEST_F(CompressStageTest, PlanTellsTimeMemoryAndDisk) {
  const RunPlan before = plan(asking(R"(["Q8_0"])"));
  ASSERT_EQ(before.jobs.size(), 16u);  // 11, measured, Q8_0: made, answers, measured; scores
  const PlannedJob& made = before.jobs[11];
  EXPECT_EQ(made.stage, "compress");
  EXPECT_EQ(made.job, "Q8_0");
  EXPECT_GT(made.seconds, 0);
  EXPECT_GT(made.peak_bytes, made.disk_bytes);
  EXPECT_EQ(before.disk_bytes, made.disk_bytes);
  EXPECT_EQ(before.notes.back(),
            "compress is planned with the prompts of 4-shot; the gate decides which it gets");
  const RunOutcome outcome = run(asking(R"(["Q8_0"])"));
  const Json row = read_json(outcome.report_json).at("compression")[0];
  // But for the padding between tensors and two numbers of metadata.
  EXPECT_NEAR(static_cast<double>(made.disk_bytes), row.at("bytes").get<double>(), 2048);
  const RunPlan after = plan(asking(R"(["Q8_0"])"));
  EXPECT_EQ(after.seconds, 0);
  EXPECT_EQ(after.disk_bytes, 0u);
}

}  // namespace
}  // namespace pomona::lifecycle
