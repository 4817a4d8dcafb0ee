// The tune stage: what it hands to training, what becomes of that, and the gate on forgetting.
#include "base/text.h"
#include "hub/artefact_store.h"
#include "hub/model_store.h"
#include "lifecycle/app_file.h"
#include "tests/lifecycle/fixture.h"
#include "tests/support/golden.h"
#include "tests/support/tiny_app.h"

namespace pomona::lifecycle {
namespace {

constexpr std::string_view kAllCached =
    "scope cached, select cached, prompt cached, tune cached, evaluate cached, report cached";

std::vector<Json> lines_of(const fs::path& file) {
  std::vector<Json> rows;
  const std::string text = read_file(file);
  for (const std::string_view line : split(text, '\n')) {
    if (!line.empty()) rows.push_back(Json::parse(line));
  }
  return rows;
}

/// Zero-shot knows nothing; what a fake training makes, answers right without examples.
class TuneStageTest : public LifecycleTest {
 protected:
  TuneStageTest() { write_app(replace_all(kApp, "[0, 1, 4]", "[0]")); }

  RunOptions asking(const std::string& methods) {
    RunOptions with = options();
    with.set = {{"tune.methods", methods}, {"serve.alias", "words"}};
    with.open_model = [this](const fs::path& path, const eval::AnswererOptions& how) {
      const bool learnt = !how.adapters.empty() || path.parent_path().filename() != "app";
      for (const model::AdapterUse& use : how.adapters) EXPECT_TRUE(fs::exists(use.path));
      return std::make_unique<FakeAnswerer>(learnt ? tuned_ : facts_, how);
    };
    with.tune = [this](const train::RunFile& run, bool resume, ProgressSink&, const StopToken&) {
      return fake_tune(run, resume);
    };
    with.foresee_tune = [this](const train::RunFile& run, const StopToken&) {
      rows_ = lines_of(run.data.sets.front().train).size();
      return Json{{"steps", 4},
                  {"tokens", 2000},
                  {"evaluations", 1},
                  {"evaluated_tokens", 500},
                  {"predicted_peak_bytes", 5'000'000}};
    };
    return with;
  }

  Json fake_tune(const train::RunFile& run, bool resume) {
    ++trained_;
    resumed_ = resume;
    seen_ = run;
    rows_ = lines_of(run.data.sets.front().train).size();
    first_ = lines_of(run.data.sets.front().train).front();
    valid_rows_ = lines_of(run.data.sets.front().valid).size();
    write_file(run.output / "state.safetensors", "state");
    if (interrupt_) fail(ErrorKind::cancelled, "fake: interrupted");
    const bool whole = run.method.kind == "full" || run.method.kind == "freeze";
    const fs::path made = run.output / (whole ? "model.gguf" : "adapter");
    write_file(whole ? made : made / "adapter_config.json", "learnt");
    write_file(run.output / "metrics.jsonl", "{}\n");
    write_file(run.output / "curves.html", "<svg>");
    return {{"steps", 4},
            {"tokens", 2000},
            {"tokens_per_second", 100.0},
            {"train_loss", 0.5},
            {"eval_loss", 0.6},
            {"best_step", 4},
            {"forgetting", forgetting_},
            {"trainable_parameters", 40},
            {"total_parameters", 1000},
            {"peak_bytes", 1},
            {"seconds", 2.0},
            {"train_seconds", 1.0},
            {"output", made.string()}};
  }

  FakeFacts tuned_{.examples_help = false};  // right without examples
  int trained_ = 0;
  bool resumed_ = false, interrupt_ = false;
  double forgetting_ = 0.25;
  train::RunFile seen_;
  std::size_t rows_ = 0, valid_rows_ = 0;
  Json first_;
};

TEST_F(TuneStageTest, AnAdapterIsTrainedComparedPromotedAndAnswers) {
  const RunOutcome outcome = run(asking(R"(["lora"])"));
  ASSERT_FALSE(outcome.failure) << outcome.failure->what();
  EXPECT_EQ(statuses(outcome),
            "scope done, select done, prompt done, tune done, evaluate done, report done");
  EXPECT_EQ(rows_, 8u);
  EXPECT_EQ(valid_rows_, 6u);
  EXPECT_EQ(first_, Json::parse(R"({"messages": [
      {"role": "user", "content": "Give the start.\nText: alpha100 beta100 gamma delta"},
      {"role": "assistant", "content": "alpha100 beta100"}]})"));
  EXPECT_EQ(seen_.model.base, (folder_ / "app/model.gguf").string());
  EXPECT_EQ(seen_.method.kind, "lora");
  EXPECT_EQ(facts_.answered, 26);
  EXPECT_EQ(tuned_.answered, 26);

  const Json report = read_json(outcome.report_json);
  const Json& lora = report.at("methods")[1];
  EXPECT_EQ(lora.at("name"), "lora");
  EXPECT_EQ(lora.at("scores").at("rougeL").at("mean"), 1.0);
  EXPECT_EQ(lora.at("trainable_parameters"), 40);
  EXPECT_EQ(lora.at("forgetting"), 0.25);
  EXPECT_EQ(lora.at("bytes"), 13) << "of the model's file, as for prompts";
  EXPECT_EQ(lora.at("training").at("bytes"), 6);
  EXPECT_EQ(lora.at("training").at("share"), 0.04);
  EXPECT_EQ(lora.at("training").at("seconds"), 2.0);
  EXPECT_TRUE(report.at("methods")[0].at("training").is_null());
  EXPECT_EQ(outcome.promoted, "lora");
  EXPECT_EQ(read_file(outcome.report_html.parent_path() / "curves-lora.html"), "<svg>");
  EXPECT_NE(read_file(outcome.report_html).find("<a href=\"curves-lora.html\">"),
            std::string::npos);
  const std::string lines = fmt::format("{}", fmt::join(outcome.lines(), "\n"));
  EXPECT_NE(lines.find("\nTuned   lora         40 of 1000 parameters (4 %), 6 bytes, trained in"),
            std::string::npos)
      << lines;

  const hub::ResolvedModel promoted = hub::ModelStore(options().home).resolve("words");
  EXPECT_EQ(promoted.path, folder_ / "app/model.gguf");
  ASSERT_TRUE(promoted.adapter);
  EXPECT_FALSE(fs::exists(promoted.adapter->parent_path() / "state.safetensors"));
  EXPECT_FALSE(fs::exists(promoted.adapter->parent_path() / "train.jsonl"));
  EXPECT_TRUE(fs::exists(promoted.adapter->parent_path() / "metrics.jsonl"));
  EXPECT_EQ(error_of([&] { hub::path_without_adapter(promoted, "quantize"); }).kind(),
            ErrorKind::unsupported);
  fs::remove_all(outcome.report_html.parent_path());
  hub::ArtefactStore(options().home).clean(0);
  EXPECT_TRUE(fs::exists(*promoted.adapter)) << "the alias keeps the artefact";
}

TEST_F(TuneStageTest, DoesAgainOnlyWhatDependsOnAChange) {
  run(asking(R"(["lora", "prefix"])"));
  EXPECT_EQ(trained_, 2);
  const int answered = tuned_.answered;
  EXPECT_EQ(statuses(run(asking(R"(["lora", "prefix"])"))), kAllCached);
  RunOptions other = asking(R"(["lora", "prefix"])");
  other.set.emplace_back("tune.lora.method.rank", "4");
  run(other);
  EXPECT_EQ(trained_, 3);
  EXPECT_EQ(seen_.method.rank, 4);
  EXPECT_EQ(tuned_.answered, answered + 26) << "an adapter of its own, on the same base";
  RunOptions limited = asking(R"(["lora", "prefix"])");
  limited.set.emplace_back("evaluate.limit", "5");
  run(limited);
  EXPECT_EQ(trained_, 3) << "training looks at all rows, whatever the limit";
}

TEST_F(TuneStageTest, AWholeModelIsAFileOfItsOwn) {
  const RunOutcome outcome = run(asking(R"(["full"])"));
  ASSERT_FALSE(outcome.failure) << outcome.failure->what();
  EXPECT_EQ(outcome.promoted, "full");
  const hub::ResolvedModel promoted = hub::ModelStore(options().home).resolve("words");
  EXPECT_EQ(read_file(promoted.path), "learnt");
  EXPECT_FALSE(promoted.adapter);
  EXPECT_EQ(read_json(outcome.report_json).at("methods")[1].at("bytes"), 6);
}

TEST_F(TuneStageTest, WhatForgetsTooMuchIsNotPromoted) {
  forgetting_ = 1.5;
  RunOptions with = asking(R"(["lora"])");
  with.require_gate = true;
  const RunOutcome outcome = run(with);
  EXPECT_EQ(outcome.promoted, "zero-shot");
  EXPECT_EQ(outcome.why,
            "lora is best on the validation rows, and on the test rows 100.0 ROUGE-L points above "
            "zero-shot (p < 0.001), but it forgets: general text is 1.50 nats a token less likely "
            "than before, allowed are 1.00");
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(outcome.failure->kind(), ErrorKind::gate);
  with.set.emplace_back("gate.max_forgetting", "2");
  EXPECT_EQ(run(with).promoted, "lora");
  EXPECT_EQ(trained_, 1);
}

TEST_F(TuneStageTest, GoesOnWhereItWasInterrupted) {
  interrupt_ = true;
  const RunOutcome stopped = run(asking(R"(["lora"])"));
  ASSERT_TRUE(stopped.failure);
  EXPECT_EQ(stopped.failure->kind(), ErrorKind::cancelled);
  EXPECT_FALSE(resumed_);
  interrupt_ = false;
  const fs::path folder = seen_.output;
  EXPECT_FALSE(run(asking(R"(["lora"])")).failure);
  EXPECT_TRUE(resumed_);
  EXPECT_EQ(seen_.output, folder) << "where the state lies";
}

TEST_F(TuneStageTest, PlanTellsTimeAndMemoryAndMakesNothing) {
  const RunPlan before = plan(asking(R"(["lora", "full"])"));
  ASSERT_EQ(before.jobs.size(), 13u);  // 3; 2 trained; 3 x 2 answers; scores, report
  EXPECT_EQ(before.jobs[3].stage, "tune");
  EXPECT_EQ(before.jobs[3].job, "lora");
  EXPECT_EQ(before.jobs[3].peak_bytes, 5'000'000u);
  EXPECT_GT(before.jobs[3].seconds, 0);
  EXPECT_GT(before.jobs[4].seconds, before.jobs[3].seconds) << "all weights have gradients";
  EXPECT_EQ(rows_, 8u);
  EXPECT_EQ(trained_, 0);
  run(asking(R"(["lora", "full"])"));
  EXPECT_EQ(plan(asking(R"(["lora", "full"])")).seconds, 0);
}

TEST_F(TuneStageTest, TheApplicationGivesModelDataAndOutput) {
  const auto refused = [&](const std::string& text) {
    write_app(std::string(kApp) + text);
    return std::string(error_of([&] { read_app_file(app_); }).what());
  };
  EXPECT_NE(refused("[tune.lora]\nmodel.base = \"x\"\n")
                .find("base: is a run file's own; in an application [model] base says it"),
            std::string::npos);
  EXPECT_NE(refused("[tune.lorra]\nmethod.rank = 4\n").find("lorra"), std::string::npos);
  EXPECT_NE(refused("[tune.lora]\nmethod.rang = 4\n").find("rank"), std::string::npos);
}

/// Real training of the tiny model, answered by the fake one, merged before it is made smaller.
TEST_F(TuneStageTest, AnAdapterIsMergedIntoWhatIsMadeSmaller) {
  fs::copy_file(golden::path_of("llama_tiny.gguf"), folder_ / "app/model.gguf",
                fs::copy_options::overwrite_existing);
  RunOptions with = asking(R"(["lora"])");
  with.tune = train::tune;
  with.set.emplace_back("tune.lora.train.steps", "2");
  with.set.emplace_back("gate.max_forgetting", "100");
  with.set.emplace_back("compress.types", R"(["Q8_0"])");
  const RunOutcome outcome = run(with);
  ASSERT_FALSE(outcome.failure) << outcome.failure->what();
  EXPECT_EQ(outcome.promoted, "lora");
  const Json row = read_json(outcome.report_json).at("compression")[0];
  const fs::path file =
      options().home.artefact(row.at("artefact").get<std::string>()) / "model.gguf";
  EXPECT_TRUE(fs::exists(file));
  const auto said = std::ranges::find_if(outcome.notes, [](const std::string& note) {
    return note.find("merged into the weights") != std::string::npos;
  });
  EXPECT_NE(said, outcome.notes.end());
}

TEST(TuneStage, TrainsATinyModelForReal) {
  test::TempFolder folder;
  test::put_tiny_app(folder / "app");
  const test::ScopedEnv home("POMONA_HOME", (folder / "home").string());
  RunOptions options;
  options.home = hub::Home(folder / "home");
  options.set = {{"prompt.shots", "[0]"},
                 {"tune.methods", R"(["lora", "soft-prompt", "full"])"},
                 {"tune.lora.train.steps", "3"},
                 {"tune.soft-prompt.train.steps", "3"},
                 {"tune.full.train.steps", "3"}};
  StopToken stop;
  const RunOutcome outcome =
      run_application(folder / "app/app.toml", options, no_progress(), stop, "pomona");
  ASSERT_FALSE(outcome.failure) << outcome.failure->what();
  const Json methods = read_json(outcome.report_json).at("methods");
  ASSERT_EQ(methods.size(), 4u);
  for (std::size_t i = 1; i < 4; ++i) {
    const Json& method = methods[i];
    EXPECT_EQ(method.at("n"), 40);
    EXPECT_EQ(method.at("training").at("steps"), 3);
    EXPECT_GT(method.at("trainable_parameters").get<int>(), 0);
    EXPECT_TRUE(fs::exists(outcome.report_html.parent_path() /
                           method.at("training").at("curves").get<std::string>()));
  }
  EXPECT_EQ(methods[3].at("training").at("share"), 1.0);
  EXPECT_LT(methods[1].at("training").at("share").get<double>(), 1.0);
  EXPECT_EQ(run_application(folder / "app/app.toml", options, no_progress(), stop, "pomona")
                .stages[3]
                .status,
            "cached");
}

}  // namespace
}  // namespace pomona::lifecycle
