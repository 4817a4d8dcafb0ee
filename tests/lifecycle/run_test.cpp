// `run` with a fake model: what is done, what is not done again, what survives, what is promoted.
#include "lifecycle/run.h"

#include <algorithm>

#include "hub/artefact_store.h"
#include "hub/model_store.h"
#include "lifecycle/prompts.h"
#include "tests/lifecycle/fixture.h"

namespace pomona::lifecycle {
namespace {

constexpr int kAnswersOfAll = 3 * (6 + 20);
constexpr std::string_view kAllDone =
    "scope done, select done, prompt done, evaluate done, report done";
constexpr std::string_view kAllCached =
    "scope cached, select cached, prompt cached, evaluate cached, report cached";

TEST_F(LifecycleTest, RunsOnceAndThenHasNothingToDo) {
  const RunOutcome first = run();
  ASSERT_FALSE(first.failure) << first.failure->what();
  EXPECT_EQ(statuses(first), kAllDone);
  EXPECT_EQ(facts_.answered, kAnswersOfAll);
  EXPECT_EQ(facts_.opened, 1);
  const RunOutcome second = run();
  EXPECT_EQ(statuses(second), kAllCached);
  EXPECT_EQ(facts_.answered, kAnswersOfAll);
  EXPECT_EQ(facts_.opened, 1);
  for (std::size_t i = 0; i < first.stages.size(); ++i)
    EXPECT_EQ(first.stages[i].artefact, second.stages[i].artefact);
}

TEST_F(LifecycleTest, ReportsAsTheContractSays) {
  const RunOutcome outcome = run();
  EXPECT_EQ(outcome.report_json, folder_ / "app/report/report.json");
  const Json report = read_json(outcome.report_json);
  EXPECT_EQ(report.at("app"), "words");
  EXPECT_EQ(report.at("model").at("name"), (folder_ / "app/model.gguf").string());
  EXPECT_EQ(report.at("model").at("why"), "named in the application file");
  ASSERT_EQ(report.at("methods").size(), 3u);
  const Json& zero = report.at("methods")[0];
  const Json& four = report.at("methods")[2];
  EXPECT_EQ(zero.at("name"), "zero-shot");
  EXPECT_EQ(four.at("name"), "4-shot");
  EXPECT_EQ(four.at("n"), 20);
  EXPECT_TRUE(zero.at("p_value").is_null());
  EXPECT_LT(four.at("p_value").get<double>(), 0.001);
  EXPECT_EQ(zero.at("scores").at("rougeL").at("mean"), 0.0);  // no word in common
  for (const std::string score : {"rouge1", "rouge2", "rougeL", "rougeLsum"}) {
    EXPECT_EQ(four.at("scores").at(score).at("mean"), 1.0) << score;  // the reference itself
    EXPECT_EQ(four.at("scores").at(score).at("low"), 1.0) << score;
  }
  for (const std::string field :
       {"trainable_parameters", "bytes", "seconds", "peak_bytes", "forgetting"})
    EXPECT_TRUE(four.at(field).is_number()) << field;
  // As a plan tells it: of 20 prompts of 56 tokens the first 33 are the same, and 8 new tokens.
  EXPECT_NEAR(zero.at("predicted_seconds").get<double>(), (33 + 20 * 23) / 1000.0 + 20 * 8 / 500.0,
              1e-9);
  EXPECT_EQ(zero.at("predicted_peak_bytes"), 1'000'000);
  EXPECT_TRUE(report.at("compression").empty());
  EXPECT_EQ(report.at("promoted").at("method"), "one-shot");  // first of the two best on valid
  const Json json = outcome.to_json();
  EXPECT_EQ(json.at("promoted").at("method"), "one-shot");
  EXPECT_EQ(json.at("stages")[3].at("name"), "evaluate");
  EXPECT_EQ(json.at("report_html"), (folder_ / "app/report/report.html").string());
}

TEST_F(LifecycleTest, AliasCarriesThePromptThatWasMeasured) {
  run();
  const hub::ResolvedModel model = hub::ModelStore(options().home).resolve("words");
  EXPECT_EQ(model.path, folder_ / "app/model.gguf");
  const auto messages = recipe_from_json(model.settings).messages("new text");
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_EQ(messages[0].role, "user");
  EXPECT_EQ(messages[1].role, "assistant");
  EXPECT_EQ(messages[2].content, "Give the start.\nText: new text");
}

TEST_F(LifecycleTest, AChangeRunsAgainOnlyWhatDependsOnIt) {
  run();
  RunOptions changed = options();
  changed.set = {{"gate.metric", "rouge1"}};
  EXPECT_EQ(statuses(run(changed)),
            "scope cached, select cached, prompt cached, evaluate done, report done");
  EXPECT_EQ(facts_.answered, kAnswersOfAll);  // scored anew, not answered anew

  changed.set = {{"prompt.shots", "[0, 1, 2]"}};
  EXPECT_EQ(statuses(run(changed)),
            "scope cached, select cached, prompt done, evaluate done, report done");
  EXPECT_EQ(facts_.answered, kAnswersOfAll + 26);  // of the new method only

  write_data("train", 9, 700);
  EXPECT_EQ(statuses(run()), "scope done, select cached, prompt done, evaluate done, report done");
  EXPECT_EQ(facts_.answered, kAnswersOfAll + 26 + 52);  // zero-shot does not look at train

  changed.set = {{"app.name", "other"}};
  run(changed);
  EXPECT_EQ(facts_.answered, kAnswersOfAll + 26 + 52);
}

// The test rows are saved anew while the model is opened, when they have been read already.
TEST_F(LifecycleTest, APartOfASplitModelIsTheModel) {
  write_app(replace_all(kApp, "./model.gguf", "./m-00001-of-00002.gguf"));
  write_file(folder_ / "app/m-00001-of-00002.gguf", "first");
  write_file(folder_ / "app/m-00002-of-00002.gguf", "second");
  run();
  EXPECT_EQ(read_json(folder_ / "app/report/report.json").at("model").at("bytes"), 11);
  const int answered = facts_.answered;
  write_file(folder_ / "app/m-00002-of-00002.gguf", "another");
  run();
  EXPECT_GT(facts_.answered, answered);
}

TEST_F(LifecycleTest, AnswersAreKeptUnderTheRowsThatWereAsked) {
  RunOptions meanwhile = options();
  meanwhile.open_model = [this](const fs::path&, const eval::AnswererOptions&) {
    if (facts_.opened == 0) write_data("test", 20, 500);
    return std::make_unique<FakeAnswerer>(facts_);
  };
  const RunOutcome first = run(meanwhile);
  ASSERT_FALSE(first.failure) << first.failure->what();
  const auto asked = [](const RunOutcome& outcome) {
    return read_json(outcome.report_json).at("samples")[0].at("input").get<std::string>();
  };
  EXPECT_EQ(asked(first), "alpha300 beta300 gamma delta");
  const RunOutcome second = run();
  EXPECT_EQ(statuses(second), "scope done, select cached, prompt done, evaluate done, report done");
  EXPECT_EQ(asked(second), "alpha500 beta500 gamma delta");
  EXPECT_EQ(facts_.answered, kAnswersOfAll + 3 * 20);
}

// Everything about the rows but the answers is known from before, so they are read late.
TEST_F(LifecycleTest, RowsThatChangedUnderARunStopIt) {
  run();
  RunOptions meanwhile = options();
  meanwhile.set = {{"prompt.shots", "[0, 1, 2]"}};
  meanwhile.open_model = [this](const fs::path&, const eval::AnswererOptions&) {
    write_data("test", 20, 500);
    return std::make_unique<FakeAnswerer>(facts_);
  };
  const RunOutcome outcome = run(meanwhile);
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(outcome.failure->what(), fmt::format("data {}: changed while this run was using it; "
                                                 "run again",
                                                 (folder_ / "app/test.jsonl").string()));
  EXPECT_EQ(facts_.answered, kAnswersOfAll);
}

TEST_F(LifecycleTest, GoesOnWhereItWasStopped) {
  facts_.stop_after = 40;
  const RunOutcome stopped = run();
  ASSERT_TRUE(stopped.failure);
  EXPECT_EQ(stopped.failure->kind(), ErrorKind::cancelled);
  EXPECT_STREQ(stopped.failure->what(),
               "run: interrupted in the stage evaluate; what is finished is kept, and the same "
               "command goes on from there");
  EXPECT_EQ(statuses(stopped), "scope done, select done, prompt done, evaluate failed");
  EXPECT_FALSE(fs::exists(folder_ / "app/report"));
  facts_.stop_after = -1;
  const RunOutcome resumed = run();
  EXPECT_EQ(statuses(resumed),
            "scope cached, select cached, prompt cached, evaluate done, report done");
  EXPECT_EQ(facts_.answered, kAnswersOfAll);  // nothing twice

  const Json after = read_json(resumed.report_json).at("methods");
  EXPECT_EQ(after[1].at("scores").at("rougeL").at("mean"), 1.0);  // every row with its own answer
}

TEST_F(LifecycleTest, AHalfWrittenAnswerIsAskedAgain) {
  facts_.stop_after = 5;
  run();
  int cut = 0;
  for (const auto& file : fs::recursive_directory_iterator(folder_ / "home/drafts")) {
    if (file.path().filename() != "samples.jsonl") continue;
    fs::resize_file(file.path(), fs::file_size(file.path()) - 3);
    ++cut;
  }
  ASSERT_EQ(cut, 1);
  facts_.stop_after = -1;
  EXPECT_FALSE(run().failure);
  EXPECT_EQ(facts_.answered, kAnswersOfAll + 1);
}

TEST_F(LifecycleTest, SaysThatAMethodHurts) {
  facts_.examples_help = false;
  const RunOutcome outcome = run();
  EXPECT_EQ(outcome.promoted, "zero-shot");
  EXPECT_EQ(outcome.why, "no method has a better ROUGE-L than zero-shot on the validation rows");
  EXPECT_FALSE(outcome.failure);
  const std::string html = read_file(outcome.report_html);
  EXPECT_NE(html.find("No method is shown to beat zero-shot."), std::string::npos);
  EXPECT_NE(html.find("Significantly worse than zero-shot on the test rows: one-shot, 4-shot."),
            std::string::npos);
  RunOptions strict = options();
  strict.require_gate = true;
  const RunOutcome closed = run(strict);
  ASSERT_TRUE(closed.failure);
  EXPECT_EQ(closed.failure->kind(), ErrorKind::gate);
  EXPECT_TRUE(fs::exists(closed.report_html));
}

TEST_F(LifecycleTest, CleanKeepsWhatAReportStandsOn) {
  run();
  EXPECT_EQ(hub::ArtefactStore(options().home).clean().artefacts, 0u);
  EXPECT_EQ(statuses(run()), kAllCached);
  fs::remove_all(folder_ / "app/report");
  EXPECT_GT(hub::ArtefactStore(options().home).clean().artefacts, 0u);
}

TEST_F(LifecycleTest, PlanSaysWhatWouldBeDoneAndDoesNothing) {
  const RunPlan before = plan();
  EXPECT_EQ(facts_.answered, 0);
  EXPECT_FALSE(fs::exists(folder_ / "app/report"));
  ASSERT_EQ(before.jobs.size(), 11u);  // scope, select, prompt, 6 x answers, scores, report
  EXPECT_EQ(before.jobs[3].job, "zero-shot on valid");
  EXPECT_GT(before.jobs[3].seconds, 0);
  // 6 rows of 56 characters ("user:Give the start.\nText: alpha200 beta200 gamma delta\n"), of
  // which the first 34 are the same; 8 new tokens; at 1000 read and 500 written a second.
  EXPECT_NEAR(before.jobs[3].seconds, (34 + 6 * 22) / 1000.0 + 6 * 8 / 500.0, 1e-9);
  // Beside 56 for the row, "assistant:alpha103 beta103\n" and 56 more for each example.
  EXPECT_EQ(before.jobs[2].what,
            "tokens of the longest prompt: zero-shot 56, one-shot 139, 4-shot 388");
  EXPECT_EQ(before.peak_bytes, 1'000'000u);
  EXPECT_EQ(before.speed, "measured");
  EXPECT_FALSE(fs::exists(folder_ / "home"));
  EXPECT_EQ(before.notes, std::vector<std::string>{"only 20 test rows: intervals will be wide, few "
                                                   "gains can be significant"});
  run();
  const RunPlan after = plan();
  EXPECT_EQ(after.seconds, 0);
  for (const PlannedJob& job : after.jobs) EXPECT_TRUE(job.cached()) << job.stage << job.job;
  EXPECT_EQ(after.notes, before.notes);
  const std::vector<std::string> lines = after.lines();
  EXPECT_EQ(lines.at(lines.size() - 2), "Nothing to do: everything is there already.");
}

TEST_F(LifecycleTest, APlanMeasuresTheMachineAsItIsNow) {
  run();
  RunOptions other = options();
  other.set = {{"evaluate.max_new_tokens", "9"}};
  const double before = plan(other).seconds;
  facts_.slowness = 10;
  const RunPlan slow = plan(other);
  EXPECT_EQ(slow.speed, "measured");
  EXPECT_GT(slow.seconds, 2 * before);
}

TEST_F(LifecycleTest, ALookAsideLeavesReportAliasAndArtefactsAlone) {
  const RunOutcome whole = run();
  const std::string report = read_file(whole.report_json);
  const auto settings = [&] { return hub::ModelStore(options().home).resolve("words").settings; };
  const Json promoted = settings();
  RunOptions quick = options();
  quick.set = {{"evaluate.limit", "4"}, {"prompt.instruction", "Do: {input}"}};
  facts_.examples_help = false;  // the other method is promoted then
  const RunOutcome look = run(quick);
  ASSERT_FALSE(look.failure) << look.failure->what();
  EXPECT_EQ(look.report_json.parent_path().parent_path(), folder_ / "app/report");
  EXPECT_TRUE(look.report_json.parent_path().filename().string().starts_with(
      "evaluate.limit=4,prompt.instruction=Do__"));
  EXPECT_EQ(read_json(look.report_json).at("methods")[0].at("n"), 4);
  EXPECT_EQ(look.promoted, "zero-shot");
  EXPECT_EQ(look.alias, "");
  EXPECT_EQ(look.next.front(), "pomona init your-data.csv");
  EXPECT_EQ(read_file(look.report_html).find("pomona chat"), std::string::npos);
  EXPECT_EQ(settings(), promoted);
  EXPECT_EQ(read_file(whole.report_json), report);
  EXPECT_EQ(hub::ArtefactStore(options().home).clean(0).artefacts, 0u);

  quick.set = {{"evaluate.limit", "4"}, {"serve.alias", "quick"}};
  EXPECT_EQ(run(quick).alias, "quick");
  EXPECT_EQ(hub::ModelStore(options().home).resolve("quick").settings.at("method"), "zero-shot");
}

TEST_F(LifecycleTest, ALookAsideHasTheNameUntilTheWholeRun) {
  RunOptions quick = options();
  const auto method = [&] {
    return hub::ModelStore(options().home).resolve("words").settings.at("method");
  };
  quick.set = {{"prompt.shots", "[0]"}};
  EXPECT_EQ(run(quick).alias, "words");
  quick.set = {{"prompt.shots", "[0, 4]"}};
  EXPECT_EQ(run(quick).alias, "words");
  EXPECT_EQ(method(), "4-shot");
  run();
  EXPECT_EQ(method(), "one-shot");
  EXPECT_EQ(run(quick).alias, "");
  EXPECT_EQ(method(), "one-shot");
}

TEST_F(LifecycleTest, SaysWhoseNameAResultTakes) {
  run();
  const fs::path first = folder_ / "first";
  fs::copy(folder_ / "app", first, fs::copy_options::recursive);
  const auto run_first = [&] {
    return run_application(first / "app.toml", options(), no_progress(), stop_);
  };
  const auto note = [](const fs::path& owner) {
    return fmt::format(
        "\"words\" was the result of {} until now; another name in [serve] alias keeps both",
        owner.string());
  };
  EXPECT_EQ(run_first().notes.back(), note(app_));
  EXPECT_NE(run_first().notes.back(), note(app_)) << "it has the name already";
  EXPECT_EQ(run().notes.back(), note(first / "app.toml"));
  fs::remove_all(folder_ / "app");
  EXPECT_NE(run_first().notes.back(), note(app_)) << "the other application is gone";
}

TEST_F(LifecycleTest, AModelThatMovedIsReportedWhereItIs) {
  run();
  fs::rename(folder_ / "app/model.gguf", folder_ / "app/renamed.gguf");
  write_app(replace_all(kApp, "model.gguf", "renamed.gguf"));
  const RunOutcome outcome = run();
  EXPECT_EQ(statuses(outcome),
            "scope cached, select cached, prompt cached, evaluate cached, report done");
  const Json model = read_json(outcome.report_json).at("model");
  EXPECT_EQ(model.at("name"), (folder_ / "app/renamed.gguf").string());
  EXPECT_EQ(model.at("title"), "renamed.gguf");
}

TEST_F(LifecycleTest, ALimitIsToldAndItsRowsHaveTheirNumbers) {
  RunOptions with = options();
  with.set = {{"evaluate.limit", "5"}};
  const RunOutcome outcome = run(with);
  ASSERT_FALSE(outcome.failure) << outcome.failure->what();
  const Json report = read_json(outcome.report_json);
  const Json& test = report.at("scope").at("splits").at("test");
  EXPECT_EQ(test.at("rows"), 5);
  EXPECT_EQ(test.at("rows_in_file"), 20);
  EXPECT_NE(read_file(outcome.report_html).find("<td>5 of 20</td>"), std::string::npos);
  for (const Json& sample : report.at("samples")) {
    // Row n of the test file is "alpha(299 + n) ...".
    const std::string text = sample.at("input").get<std::string>();
    EXPECT_TRUE(text.starts_with(fmt::format("alpha{} ", 299 + sample.at("row").get<int>())))
        << text;
  }
}

TEST_F(LifecycleTest, WarnsOfTextsThatAreScoredInPart) {
  std::string text;
  for (int i = 0; i < 20; ++i)
    text += fmt::format(
        "{{\"text\": \"alpha{0} beta\", \"start\": \"\u4eca\u5929\u5f88\u597d {0}\"}}\n", i);
  write_file(folder_ / "app/test.jsonl", text);
  const std::string warning =
      "test: \"start\" is written as in language \"zh\", but only its Latin letters and digits are "
      "scored, since [app] language is \"en\"";
  const auto warned = [&](const RunOutcome& outcome) {
    return std::ranges::count(outcome.notes, warning);
  };
  EXPECT_EQ(warned(run()), 1);
  RunOptions with = options();
  with.set = {{"app.language", "zh"}};
  EXPECT_EQ(warned(run(with)), 0);
}

TEST_F(LifecycleTest, OneMethodNeedsNoTrainingAndNoValidationRows) {
  fs::remove(folder_ / "app/train.jsonl");
  fs::remove(folder_ / "app/valid.jsonl");
  std::string text(kApp);
  text = replace_all(text, "train = \"train.jsonl\"\nvalid = \"valid.jsonl\"\n", "");
  write_app(replace_all(text, "[0, 1, 4]", "[0]"));
  const RunOutcome outcome = run();
  ASSERT_FALSE(outcome.failure) << outcome.failure->what();
  EXPECT_EQ(outcome.promoted, "zero-shot");
  EXPECT_EQ(facts_.answered, 20);
}

struct Fault {
  std::string_view name;
  std::vector<std::pair<std::string, std::string>> set;
  std::string_view file, text;  // written before; nothing if `file` is empty
  ErrorKind kind;
  std::string_view message;  // FOLDER stands for the application's folder
};
void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }

class RunFaults : public LifecycleTest, public ::testing::WithParamInterface<Fault> {};

TEST_P(RunFaults, SaysOneClearSentence) {
  const Fault& fault = GetParam();
  if (!fault.file.empty()) write_file(folder_ / "app" / fault.file, fault.text);
  RunOptions with = options();
  with.set = fault.set;
  if (fault.name == "over_the_context") facts_.context = 300;
  const Error planned = error_of([&] { plan(with); });
  const Error error = error_of([&] {
    const RunOutcome outcome = run(with);
    if (outcome.failure) throw *outcome.failure;
  });
  EXPECT_STREQ(planned.what(), error.what());
  EXPECT_EQ(name_of(planned.kind()), name_of(error.kind()));
  EXPECT_EQ(replace_all(error.what(), (folder_ / "app").string(), "FOLDER"), fault.message);
  EXPECT_EQ(name_of(error.kind()), name_of(fault.kind));
  EXPECT_EQ(facts_.answered, 0);
  EXPECT_FALSE(fs::exists(folder_ / "app/report"));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, RunFaults,
    ::testing::Values(
        Fault{"missing_file",
              {{"data.train", "nowhere.jsonl"}},
              "",
              "",
              ErrorKind::not_found,
              "read: FOLDER/nowhere.jsonl: No such file or directory"},
        Fault{"empty_file",
              {},
              "valid.jsonl",
              "\n\n",
              ErrorKind::bad_file,
              "FOLDER/valid.jsonl: no rows"},
        Fault{"wrong_column",
              {{"data.output", "stort"}},
              "",
              "",
              ErrorKind::bad_file,
              "FOLDER/train.jsonl: row 1 (line 1): no text \"stort\"; did you mean \"start\"?"},
        Fault{"row_without_column",
              {},
              "test.jsonl",
              "{\"text\": \"a\", \"start\": \"b\"}\n\n{\"text\": \"a\"}\n",
              ErrorKind::bad_file,
              "FOLDER/test.jsonl: row 2 (line 3): no text \"start\"; it has: text"},
        Fault{"empty_input",
              {},
              "test.jsonl",
              "{\"text\": \" \", \"start\": \"b\"}\n",
              ErrorKind::bad_file,
              "FOLDER/test.jsonl: row 1 (line 1): \"text\" is empty"},
        Fault{"invalid_utf8",
              {},
              "test.jsonl",
              "{\"text\": \"a\xff\", \"start\": \"b\"}\n",
              ErrorKind::bad_file,
              "FOLDER/test.jsonl: row 1 (line 1): not UTF-8 at byte 12 of the row"},
        Fault{"unscorable_reference",
              {},
              "test.jsonl",
              "{\"text\": \"a\", \"start\": \"b\"}\n"
              "{\"text\": \"a\", \"start\": \"\u4f60\u597d\"}\n",
              ErrorKind::bad_argument,
              "FOLDER/test.jsonl: \"start\": rouge: the reference in row 2 has none of the "
              "letters a-z and digits 0-9 that its words are made of; for Chinese and other "
              "scripts set [app] language"},
        Fault{"too_few_examples",
              {{"prompt.shots", "[0, 9]"}},
              "",
              "",
              ErrorKind::bad_argument,
              "prompt: 9 examples asked for, but there are 8 training rows"},
        Fault{"over_the_context",
              {},
              "",
              "",
              ErrorKind::bad_argument,
              "prompt: 4-shot: row 1 of FOLDER/valid.jsonl makes a prompt of 388 tokens; with "
              "max_new_tokens = 8 that is 396, and FOLDER/model.gguf has a context of 300: use "
              "fewer shots or shorter texts"},
        Fault{"no_model",
              {{"model.base", "./absent.gguf"}},
              "",
              "",
              ErrorKind::not_found,
              "model FOLDER/absent.gguf: no such file or folder"},
        Fault{"alias_of_a_model",
              {{"serve.alias", "smollm2-135m"}},
              "",
              "",
              ErrorKind::bad_argument,
              "--set serve.alias=smollm2-135m: [serve] alias: \"smollm2-135m\" is the name of a "
              "model in the "
              "catalogue; choose another"}),
    [](const auto& case_) { return std::string(case_.param.name); });

}  // namespace
}  // namespace pomona::lifecycle
