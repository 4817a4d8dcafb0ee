// Rows are answered once, in any order, and the progress only grows.
#include "eval/runner.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/support/refused.h"

namespace pomona::eval {
namespace {

/// Answers the last question first, each with its own prompt's length as text.
class Backwards final : public Answerer {
 public:
  std::int64_t context() const override { return 100; }
  Json about() const override { return Json::object(); }
  std::vector<std::int32_t> prompt(const std::vector<model::Message>& messages) const override {
    return std::vector<std::int32_t>(messages.at(0).content.size(), 1);
  }
  void answer(const std::vector<Question>& questions, const AnswerEvents& events,
              const StopToken& stop) override {
    for (std::size_t i = questions.size(); i-- > 0;) {
      stop.check("backwards");
      for (int token = 0; token < 3; ++token) events.token();
      const auto length = static_cast<std::int64_t>(questions[i].prompt.size());
      asked.push_back(length);
      events.done(i, {std::to_string(length), i == 0 ? "length" : "end", length, 1, 3});
    }
  }
  Perplexity perplexity(const std::vector<Reference>&, ProgressSink&, const StopToken&) override {
    return {};
  }
  std::uint64_t memory_bytes(std::int64_t) const override { return 0; }
  Speed measure(const StopToken&) override { return {}; }
  Json machine() const override { return Json::object(); }
  std::vector<std::int64_t> asked;
};

class Watching final : public ProgressSink {
 public:
  void begin(std::string_view, std::uint64_t all, std::string_view) override { total = all; }
  void update(std::uint64_t done, std::string_view note) override {
    EXPECT_GE(done, last);
    EXPECT_LE(done, total);
    last = done;
    last_note = note;
  }
  std::uint64_t total = 0, last = 0;
  std::string last_note;
};

Task task_of(std::size_t rows) {
  Task task;
  task.max_new_tokens = 5;
  for (std::size_t i = 1; i <= rows; ++i) task.prompts.push_back({{"user", std::string(i, 'x')}});
  return task;
}

TEST(Runner, AsksOnlyForWhatIsMissingAndSortsTheRows) {
  Backwards model;
  Watching progress;
  std::vector<AnsweredRow> samples(3);
  samples[0] = {2, {"kept", "end", 3, 0, 2}, 10.0};
  samples[1] = samples[0];  // written twice: counts once
  samples[2] = {9, {}, 0};  // of a row that is not there any more
  std::vector<std::size_t> kept;
  answer_rows(
      model, task_of(4), samples, [&](const AnsweredRow& sample) { kept.push_back(sample.row); },
      progress, StopToken());
  EXPECT_EQ(model.asked, (std::vector<std::int64_t>{4, 2, 1}));
  EXPECT_EQ(kept, (std::vector<std::size_t>{3, 1, 0}));
  ASSERT_EQ(samples.size(), 4u);
  for (std::size_t row = 0; row < 4; ++row) EXPECT_EQ(samples[row].row, row);
  EXPECT_EQ(samples[2].answer.text, "kept");
  EXPECT_EQ(samples[3].answer.text, "4");
  EXPECT_GE(samples[0].elapsed, 10.0);  // goes on from the earlier attempt
  EXPECT_EQ(progress.total, 20u);
  EXPECT_EQ(progress.last, 20u);
  EXPECT_EQ(progress.last_note, "4 of 4 rows");

  const Figures figures = figures_of(samples);
  EXPECT_EQ(figures.n, 4u);
  EXPECT_EQ(figures.prompt_tokens, 2.5);
  EXPECT_EQ(figures.longest_prompt, 4);
  EXPECT_EQ(figures.generated_tokens, 2.75);
  EXPECT_EQ(figures.shared_tokens, 3);
  EXPECT_EQ(figures.cut, 1u);
}

TEST(Runner, RowsSurviveTheWayThroughAFile) {
  const AnsweredRow row = {7, {"text \u4f60", "length", 5, 4, 3}, 1.25};
  EXPECT_EQ(to_json(answered_row_from_json(to_json(row))), to_json(row));
  EXPECT_EQ(test::error_of([] { answered_row_from_json({{"row", "seven"}}); }).kind(),
            ErrorKind::bad_file);
}

}  // namespace
}  // namespace pomona::eval
