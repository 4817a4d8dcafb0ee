// A stage that makes a model of its own joins by contributing a method, and nothing else knows it.
#include "lifecycle/stage.h"

#include "tests/lifecycle/fixture.h"

namespace pomona::lifecycle {
namespace {

/// A tuning stage: its artefact holds a model that knows the task without examples.
std::vector<Job> tune_jobs(Run& run) {
  Job job{
      .id = "tune", .name = "", .key = {"tune", 1, {{"rank", 4}}, {}}, .predict = {}, .make = {}};
  job.key.inputs = {{"model", run.selection.hash}, {"train", run.hash_of(Split::train)}};
  job.make = [](hub::Draft& draft) {
    write_file(draft.folder() / "tuned.gguf", "tuned");
    return Json{{"forgetting", 0.25}};
  };
  const std::string key = job.key.hex();
  ModelFile model{"tuned", run.store.home().artefact(key) / "tuned.gguf", key};
  model.alias_of = "tuned.gguf";
  model.artefact = key;
  run.methods.push_back({"lora", model, run.methods.front().recipe, 4000});
  return {std::move(job)};
}

void tune_settle(Run& run) {
  Method& method = run.methods.back();
  method.model.bytes = fs::file_size(method.model.path);
  method.forgetting = run.artefact("tune").meta.at("forgetting").get<double>();
}

constexpr Stage kTune = {.name = "tune", .jobs = tune_jobs, .settle = tune_settle};

class StageTest : public LifecycleTest {
 protected:
  /// All stages with `tune` before `evaluate`; "scope done, ...".
  std::string run_with_tune() {
    RunOptions with = options();
    with.open_model = [this](const fs::path& path, const eval::AnswererOptions&) {
      FakeFacts& facts = path.filename() == "tuned.gguf" ? tuned_ : facts_;
      return std::make_unique<FakeAnswerer>(facts);
    };
    const AppFile app = read_app_file(app_);
    lifecycle::Run state(app, with, no_progress(), stop_);
    RunOutcome outcome;
    const auto go = [&](const Stage& stage) {
      StageOutcome& now = outcome.stages.emplace_back();
      now.name = stage.name;
      run_stage(state, stage, now);
      if (now.artefact.empty()) outcome.stages.pop_back();  // it had nothing to do
    };
    for (const Stage* stage : stages()) {
      if (stage->name == "evaluate") go(kTune);
      go(*stage);
    }
    return statuses(outcome);
  }

  FakeFacts tuned_{.examples_help = false};  // right without examples
};

TEST_F(StageTest, ItsModelIsAskedReportedAndPromoted) {
  write_app(replace_all(kApp, "[0, 1, 4]", "[0]"));
  EXPECT_EQ(run_with_tune(),
            "scope done, select done, prompt done, tune done, evaluate done, report done");
  EXPECT_EQ(facts_.answered, 26);
  EXPECT_EQ(tuned_.answered, 26);
  const Json report = read_json(folder_ / "app/report/report.json");
  ASSERT_EQ(report.at("methods").size(), 2u);
  const Json& lora = report.at("methods")[1];
  EXPECT_EQ(lora.at("name"), "lora");
  EXPECT_EQ(lora.at("scores").at("rougeL").at("mean"), 1.0);
  EXPECT_EQ(lora.at("trainable_parameters"), 4000);
  EXPECT_EQ(lora.at("forgetting"), 0.25);
  EXPECT_EQ(lora.at("bytes"), 5);
  EXPECT_EQ(report.at("methods")[0].at("bytes"), 13);
  EXPECT_EQ(report.at("promoted").at("method"), "lora");

  const hub::ResolvedModel promoted = hub::ModelStore(options().home).resolve("words");
  EXPECT_EQ(read_file(promoted.path), "tuned");
  fs::remove_all(folder_ / "app/report");
  hub::ArtefactStore(options().home).clean(0);
  EXPECT_TRUE(fs::exists(promoted.path)) << "the alias keeps the artefact";
}

TEST_F(StageTest, AnswersAreKeyedByTheModelOfTheMethod) {
  run();
  EXPECT_EQ(run_with_tune(),
            "scope cached, select cached, prompt cached, tune done, evaluate done, report done");
  EXPECT_EQ(facts_.answered, 3 * 26);
  EXPECT_EQ(tuned_.answered, 26);  // though its prompts are those of zero-shot
}

}  // namespace
}  // namespace pomona::lifecycle
