#include "eval/runner.h"

#include <algorithm>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"

namespace pomona::eval {

namespace {

/// Progress in tokens, since rows of a batch end together: as if every answer had all its tokens.
class Advance {
 public:
  Advance(const Task& task, std::size_t done, ProgressSink& progress)
      : most_(static_cast<std::uint64_t>(task.max_new_tokens)),
        rows_(task.prompts.size()),
        finished_(done),
        progress_(progress) {
    progress_.begin(task.what, rows_ * most_, "tokens");
    show();
  }
  void token() {
    ++open_tokens_;
    show();
  }
  /// An answer of `tokens` tokens ended.
  void row(std::int64_t tokens) {
    ++finished_;
    open_tokens_ -= std::min(open_tokens_, static_cast<std::uint64_t>(tokens));
    show();
  }

 private:
  void show() {
    progress_.update(std::min(rows_ * most_, finished_ * most_ + open_tokens_),
                     fmt::format("{} of {} rows", finished_, rows_));
  }
  std::uint64_t most_;
  std::uint64_t rows_;
  std::uint64_t finished_;
  std::uint64_t open_tokens_ = 0;  // of answers that have not ended
  ProgressSink& progress_;
};

}  // namespace

Json to_json(const AnsweredRow& sample) {
  const Answer& answer = sample.answer;
  return {{"row", sample.row},
          {"text", answer.text},
          {"stop_reason", answer.stop_reason},
          {"prompt_tokens", answer.prompt_tokens},
          {"shared_tokens", answer.shared_tokens},
          {"generated_tokens", answer.generated_tokens},
          {"elapsed", sample.elapsed}};
}

AnsweredRow answered_row_from_json(const Json& json) {
  try {
    AnsweredRow sample;
    sample.row = json.at("row").get<std::size_t>();
    sample.elapsed = json.at("elapsed").get<double>();
    Answer& answer = sample.answer;
    answer.text = json.at("text").get<std::string>();
    answer.stop_reason = json.at("stop_reason").get<std::string>();
    answer.prompt_tokens = json.at("prompt_tokens").get<std::int64_t>();
    answer.shared_tokens = json.at("shared_tokens").get<std::int64_t>();
    answer.generated_tokens = json.at("generated_tokens").get<std::int64_t>();
    return sample;
  } catch (const Json::exception& error) {
    fail(ErrorKind::bad_file, "answered row: {}", error.what());
  }
}

void answer_rows(Answerer& answerer, const Task& task, std::vector<AnsweredRow>& samples,
                 const std::function<void(const AnsweredRow&)>& keep, ProgressSink& progress,
                 const StopToken& stop) {
  std::vector<bool> there(task.prompts.size(), false);
  double before = 0;
  std::erase_if(samples, [&](const AnsweredRow& sample) {
    const bool known = sample.row < there.size() && !there[sample.row];
    if (known) {
      there[sample.row] = true;
      before = std::max(before, sample.elapsed);
    }
    return !known;
  });
  std::vector<std::size_t> rows;
  std::vector<Question> questions;
  for (std::size_t row = 0; row < there.size(); ++row) {
    if (there[row]) continue;
    rows.push_back(row);
    questions.push_back({answerer.prompt(task.prompts[row]), task.max_new_tokens});
  }
  if (!samples.empty())
    progress.note(fmt::format("{}: {} of {} rows are there already", task.what, samples.size(),
                              there.size()));
  Advance advance(task, samples.size(), progress);
  const Stopwatch watch;
  AnswerEvents events;
  events.token = [&] { advance.token(); };
  events.done = [&](std::size_t index, Answer answer) {
    advance.row(answer.generated_tokens);
    samples.push_back({rows[index], std::move(answer), before + watch.seconds()});
    keep(samples.back());
  };
  answerer.answer(questions, events, stop);
  progress.end(fmt::format("{}: {} rows in {}", task.what, there.size(),
                           human_duration(before + watch.seconds())));
  std::sort(samples.begin(), samples.end(),
            [](const AnsweredRow& a, const AnsweredRow& b) { return a.row < b.row; });
}

Figures figures_of(const std::vector<AnsweredRow>& samples) {
  Figures figures;
  figures.n = samples.size();
  for (const AnsweredRow& sample : samples) {
    const Answer& answer = sample.answer;
    figures.seconds = std::max(figures.seconds, sample.elapsed);
    figures.prompt_tokens += static_cast<double>(answer.prompt_tokens);
    figures.generated_tokens += static_cast<double>(answer.generated_tokens);
    figures.longest_prompt = std::max(figures.longest_prompt, answer.prompt_tokens);
    figures.shared_tokens += answer.shared_tokens;
    figures.cut += answer.stop_reason == "length" ? 1 : 0;
  }
  if (figures.n > 0) {
    figures.prompt_tokens /= static_cast<double>(figures.n);
    figures.generated_tokens /= static_cast<double>(figures.n);
  }
  return figures;
}

}  // namespace pomona::eval
