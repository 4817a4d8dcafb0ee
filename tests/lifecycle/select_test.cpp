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

TEST_F(CatalogueRunTest, AutoTakesTheLargestThatDoesAndAPlanTheSame) {
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
  EXPECT_EQ(model.at("why"),
            "largest of the catalogue that knows language \"en\", fits into 1.00 GB (2 of 2 that "
            "could)");
  EXPECT_EQ(plan(with).seconds, 0);
}

TEST_F(CatalogueRunTest, AutoKnowsHowMuchMemoryThisComputerHas) {
  add_model("huge", 2000, 1'000'000'000'000'000);
  write_app(replace_all(kApp, "./model.gguf", "auto"));
  const RunOutcome outcome = run();
  ASSERT_FALSE(outcome.failure) << outcome.failure->what();
  EXPECT_EQ(read_json(outcome.report_json).at("model").at("name"), "small");
}

}  // namespace
}  // namespace pomona::lifecycle
