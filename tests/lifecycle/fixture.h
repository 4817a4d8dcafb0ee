// A store, a fake model and an application of its own, for the tests of the lifecycle.
#pragma once
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "base/thread_pool.h"
#include "lifecycle/run.h"
#include "simd/cpu.h"
#include "tests/support/refused.h"
#include "tests/support/temp_folder.h"

namespace pomona::lifecycle {

using test::error_of;

/// What a fake model shares with its test.
struct FakeFacts {
  int opened = 0;
  int answered = 0;
  int references = 0;           // of the last perplexity
  int stop_after = -1;          // answers, then it is interrupted
  bool examples_help = true;    // else they ruin the answer
  std::int64_t context = 4096;  // a token is a byte
  std::uint64_t memory = 1'000'000;
  double slowness = 1;
};

/// Without examples it answers in words that are in no reference; with some it gives the first two
/// words of the text, which is the reference (or the other way round).
class FakeAnswerer final : public eval::Answerer {
 public:
  explicit FakeAnswerer(FakeFacts& facts, const eval::AnswererOptions& options = {})
      : facts_(facts), threads_(options.threads > 0 ? options.threads : available_threads()) {
    ++facts_.opened;
  }
  Json about() const override {
    return {{"architecture", "fake"}, {"parameters", 1000}, {"licence", "MIT"}};
  }
  std::int64_t context() const override { return facts_.context; }
  std::vector<std::int32_t> prompt(const std::vector<model::Message>& messages) const override {
    std::string text;
    for (const auto& message : messages) text += message.role + ":" + message.content + "\n";
    return {text.begin(), text.end()};
  }
  void answer(const std::vector<eval::Question>& questions, const eval::AnswerEvents& events,
              const StopToken& stop) override {
    for (std::size_t i = questions.size(); i-- > 0;) {  // in another order than asked
      if (facts_.answered == facts_.stop_after) fail(ErrorKind::cancelled, "fake: interrupted");
      stop.check("fake");
      ++facts_.answered;
      events.token();
      events.done(i, answer_to(questions[i]));
    }
  }
  eval::Perplexity perplexity(const std::vector<eval::Reference>& references, ProgressSink&,
                              const StopToken&) override {
    facts_.references = static_cast<int>(references.size());
    return {.perplexity = 2.5, .standard_error = 0.25, .tokens = 7, .chunks = 1, .items = {}};
  }
  std::uint64_t memory_bytes(std::int64_t) const override { return facts_.memory; }
  eval::Speed measure(const StopToken&) override {
    return {1000 / facts_.slowness, 500 / facts_.slowness};
  }
  Json machine() const override {
    return {
        {"isa", simd::name_of(simd::level_in_use())}, {"threads", threads_}, {"compute", "fast"}};
  }

 private:
  eval::Answer answer_to(const eval::Question& question) const {
    const std::string prompt(question.prompt.begin(), question.prompt.end());
    const bool examples = prompt.find("assistant:") != std::string::npos;
    const std::string row = prompt.substr(prompt.rfind("Text: ") + 6);
    const auto words = split(trim(row), ' ');
    eval::Answer answer;
    answer.text = examples == facts_.examples_help
                      ? std::string(words.at(0)) + " " + std::string(words.at(1))
                      : "nothing known";
    answer.stop_reason = "end";
    answer.prompt_tokens = static_cast<std::int64_t>(question.prompt.size());
    answer.generated_tokens = 2;
    return answer;
  }
  FakeFacts& facts_;
  int threads_;
};

class LifecycleTest : public ::testing::Test {
 protected:
  LifecycleTest() {
    write_file(folder_ / "app/model.gguf", "not looked at");
    write_data("train", 8, 100);
    write_data("valid", 6, 200);
    write_data("test", 20, 300);
    write_app(kApp);
  }

  static constexpr std::string_view kApp = R"([app]
name = "words"
use_case = "summarize"
[model]
base = "./model.gguf"
[data]
train = "train.jsonl"
valid = "valid.jsonl"
test = "test.jsonl"
input = "text"
output = "start"
[prompt]
instruction = "Give the start.\nText: {input}"
shots = [0, 1, 4]
[evaluate]
metrics = ["rouge"]
max_new_tokens = 8
)";

  void write_data(const std::string& split, int rows, int first) const {
    std::string text;
    for (int i = first; i < first + rows; ++i) {
      const Json row = {{"text", fmt::format("alpha{} beta{} gamma delta", i, i)},
                        {"start", fmt::format("alpha{} beta{}", i, i)}};
      text += row.dump() + "\n";
    }
    write_file(folder_ / ("app/" + split + ".jsonl"), text);
  }
  void write_app(std::string_view text) const { write_file(app_, text); }

  RunOptions options() {
    RunOptions options;
    options.home = hub::Home(folder_ / "home");
    options.open_model = [this](const std::filesystem::path&, const eval::AnswererOptions& how) {
      return std::make_unique<FakeAnswerer>(facts_, how);
    };
    return options;
  }
  RunOutcome run() { return run(options()); }
  RunOutcome run(const RunOptions& with) {
    return run_application(app_, with, no_progress(), stop_, "pomona");
  }
  RunPlan plan() { return plan(options()); }
  RunPlan plan(const RunOptions& with) {
    return plan_application(app_, with, no_progress(), stop_);
  }

  test::TempFolder folder_;
  fs::path app_ = folder_ / "app/app.toml";
  FakeFacts facts_;
  StopToken stop_;
  test::ScopedEnv home_{"POMONA_HOME", (folder_ / "home").string()};
};

/// The same with a catalogue of its own: "small", which is here, and what a test adds.
class CatalogueRunTest : public LifecycleTest {
 protected:
  CatalogueRunTest() {
    add_model("small", 1000);
    write_file(place("small"), bytes_of("small"));
    write_app(replace_all(kApp, "./model.gguf", "small"));
  }

  static std::string bytes_of(const std::string& name) { return "the weights of " + name; }
  fs::path place(const std::string& name) const {
    return folder_ / ("home/models/" + name) / (name + ".gguf");
  }
  void add_model(const std::string& name, int parameters,
                 std::optional<std::uint64_t> bytes = std::nullopt) const {
    write_file(folder_ / ("data/models/" + name + ".toml"),
               fmt::format("name = \"{0}\"\narchitecture = \"llama\"\nparameters = {1}\n"
                           "licence = \"MIT\"\ncontext = 4096\nlanguages = [\"en\"]\n"
                           "file = \"{0}.gguf\"\nbytes = {2}\nsha256 = \"{3}\"\n",
                           name, parameters, bytes.value_or(bytes_of(name).size()),
                           sha256_hex(bytes_of(name))));
  }

 private:
  test::ScopedEnv data_{"POMONA_DATA", (folder_ / "data").string()};
};

/// "scope done, select done, ..." of an outcome.
inline std::string statuses(const RunOutcome& outcome) {
  std::string text;
  for (const StageOutcome& stage : outcome.stages)
    text += (text.empty() ? "" : ", ") + stage.name + " " + stage.status;
  return text;
}

}  // namespace pomona::lifecycle
