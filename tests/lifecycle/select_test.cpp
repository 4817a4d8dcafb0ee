// The model of a run: that it is the one that was asked for, and when it is opened or fetched.
#include "tests/lifecycle/fixture.h"

namespace pomona::lifecycle {
namespace {

TEST_F(CatalogueRunTest, AnotherFileUnderAModelsNameIsRefused) {
  ASSERT_FALSE(run().failure);
  write_file(place("small"), "other weights");
  const Error error = error_of([&] {
    const RunOutcome outcome = run();
    if (outcome.failure) throw *outcome.failure;
  });
  EXPECT_EQ(error.kind(), ErrorKind::bad_file);
  EXPECT_EQ(std::string(error.what()),
            fmt::format("model small: {} is another file (sha256 {}, not {}); remove it with "
                        "`pomona rm small` and pull again",
                        place("small").string(), sha256_hex("other weights"),
                        sha256_hex(bytes_of("small"))));
  EXPECT_EQ(error_of([&] { plan(); }).kind(), ErrorKind::bad_file);
}

TEST_F(CatalogueRunTest, AModelIsFetchedOnlyToBeOpened) {
  ASSERT_FALSE(run().failure);
  fs::remove(place("small"));
  const RunOutcome again = run();
  ASSERT_FALSE(again.failure) << again.failure->what();
  EXPECT_EQ(facts_.opened, 1);
  EXPECT_EQ(plan().download_bytes, 0u);

  RunOptions changed = options();
  changed.set = {{"evaluate.max_new_tokens", "9"}};
  const RunPlan planned = plan(changed);
  EXPECT_EQ(planned.download_bytes, bytes_of("small").size());
  EXPECT_EQ(planned.jobs[2].stage, "prompt");
  EXPECT_EQ(planned.jobs[2].bytes, planned.download_bytes);
  const RunOutcome outcome = run(changed);
  EXPECT_EQ(statuses(outcome), "scope cached, select cached, prompt failed");
  EXPECT_EQ(outcome.failure->kind(), ErrorKind::network);  // the catalogue has no source for it
}

TEST_F(CatalogueRunTest, AutoTakesTheBestThatDoesAndAPlanTheSame) {
  add_model("large", 2000);
  write_file(place("large"), bytes_of("large"));
  write_app(replace_all(kApp, "./model.gguf\"", "auto\"\nmax_memory = \"1 GB\""));
  RunOptions with = options();
  with.open_model = [this](const fs::path& path, const eval::AnswererOptions& how) {
    facts_.memory = path.filename() == "large.gguf" ? 2'000'000'000 : 1'000'000;
    return std::make_unique<FakeAnswerer>(facts_, how);
  };
  EXPECT_EQ(plan(with).jobs[1].what, "small, 20 bytes");
  const RunOutcome outcome = run(with);
  ASSERT_FALSE(outcome.failure) << outcome.failure->what();
  const Json model = read_json(outcome.report_json).at("model");
  EXPECT_EQ(model.at("name"), "small");
  EXPECT_EQ(
      model.at("why"),
      "the best of 2 in the catalogue that fits: made to summarize, knows \"en\", licence MIT, "
      "needs about 300 MB of memory, writes about 125 tokens a second alone (measured with "
      "large)");
  EXPECT_EQ(model.at("considered")[1].at("reason"),
            "needs 2.00 GB of memory, [model] max_memory allows 1.00 GB");
  EXPECT_NE(read_file(outcome.report_html).find("The 2 models that were considered"),
            std::string::npos);
  ASSERT_GE(outcome.notes.size(), 2u);
  EXPECT_EQ(outcome.notes[outcome.notes.size() - 1],
            "model: passed over: large (needs 2.00 GB of memory, [model] max_memory allows 1.00 "
            "GB)");
  EXPECT_EQ(plan(with).seconds, 0);
}

TEST_F(CatalogueRunTest, AutoKnowsHowMuchMemoryThisComputerHas) {
  add_model("huge", 2000, 1'000'000'000'000'000);
  write_app(replace_all(kApp, "./model.gguf", "auto"));
  const RunOutcome outcome = run();
  ASSERT_FALSE(outcome.failure) << outcome.failure->what();
  EXPECT_EQ(read_json(outcome.report_json).at("model").at("name"), "small");
}

// The hub of these tests cannot be reached.
TEST_F(CatalogueRunTest, AutoGoesOnWithoutWhatCannotBeFetchedAndDecidesAnewOnceItIsHere) {
  const test::ScopedEnv hub("HF_ENDPOINT", "http://127.0.0.1:9");
  const test::ScopedEnv no_proxy("no_proxy", "127.0.0.1");
  for (const std::string name : {"larger", "largest"}) {
    add_model(name, name == "largest" ? 8000 : 4000);
    const fs::path file = folder_ / ("data/models/" + name + ".toml");
    write_file(file, read_file(file) +
                         "[[source]]\nkind = \"hub\"\nrepo = \"org/name\"\nfile = \"" + name +
                         ".gguf\"\n");
  }
  write_app(replace_all(kApp, "./model.gguf", "auto"));
  EXPECT_EQ(plan().jobs[1].what, "largest, 22 bytes; fetches 22 bytes at 5 MB a second")
      << "a plan does not ask the hub";
  const RunOutcome outcome = run();
  ASSERT_FALSE(outcome.failure) << outcome.failure->what();
  const Json model = read_json(outcome.report_json).at("model");
  EXPECT_EQ(model.at("name"), "small");
  EXPECT_EQ(model.at("passed_over"), "largest, larger (not fetched, since the hub did not answer)");
  EXPECT_EQ(outcome.notes.back(),
            "model: largest would have been taken if it could have been fetched; once `pomona pull "
            "largest` has, the next run decides anew");
  EXPECT_EQ(statuses(run()),
            "scope cached, select cached, prompt cached, evaluate cached, report cached")
      << "the decision is kept";
  write_file(place("larger"), bytes_of("larger"));
  const RunOutcome again = run();
  ASSERT_FALSE(again.failure) << again.failure->what();
  EXPECT_EQ(read_json(again.report_json).at("model").at("name"), "larger");
}

TEST_F(CatalogueRunTest, AutoSaysWhatEachModelLacks) {
  write_app(replace_all(replace_all(kApp, "./model.gguf", "auto"), "[model]",
                        "language = \"fr\"\n[model]"));
  const RunOutcome outcome = run();
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(outcome.failure->kind(), ErrorKind::not_found);
  EXPECT_EQ(
      std::string(outcome.failure->what()),
      "select: no model of the catalogue fits [model]: small (does not know language \"fr\"); "
      "name one as base");
}

TEST_F(CatalogueRunTest, AContextIsWhatTheModelIsLoadedFor) {
  std::vector<std::int64_t> opened;
  RunOptions with = options();
  with.open_model = [&](const fs::path&, const eval::AnswererOptions& how) {
    opened.push_back(how.context);
    return std::make_unique<FakeAnswerer>(facts_, how);
  };
  const RunOutcome first = run(with);
  with.context = 8000;
  const RunOutcome outcome = run(with);
  ASSERT_FALSE(outcome.failure) << outcome.failure->what();
  EXPECT_EQ(opened, (std::vector<std::int64_t>{0, 8000}));
  EXPECT_EQ(statuses(outcome), "scope cached, select done, prompt done, evaluate done, report done")
      << "answers to short texts may differ";
  EXPECT_NE(read_json(outcome.report_json)
                .at("repeat")
                .at("command")
                .get<std::string>()
                .find("--context 8000"),
            std::string::npos);
}

}  // namespace
}  // namespace pomona::lifecycle
