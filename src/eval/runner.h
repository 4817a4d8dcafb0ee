// Answers of a model to the rows of a data set: batched, kept one by one, gone on with after a
// stop. The one way in which `run` (and every later command that scores a model) asks a model.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/progress.h"
#include "eval/answerer.h"

namespace pomona::eval {

/// The answer to one row.
struct AnsweredRow {
  std::size_t row = 0;  // from 0
  Answer answer;
  double elapsed = 0;  // seconds of work since the run's first attempt began, stops not counted
};

Json to_json(const AnsweredRow& sample);
/// Throws bad_file if a field is missing or of another type.
AnsweredRow answered_row_from_json(const Json& json);

/// How rows become prompts, and how long the answers may get.
struct Task {
  std::string what;  // "evaluate 4-shot on test"
  std::vector<std::vector<model::Message>> prompts;
  std::int64_t max_new_tokens = 128;
};

/// Answers the rows that `samples` does not hold yet and adds them to it; each is handed to `keep`
/// as soon as it is there. At the end `samples` is in the order of the rows. Throws cancelled and
/// what the answerer throws; what was kept stays in `samples`.
void answer_rows(Answerer& answerer, const Task& task, std::vector<AnsweredRow>& samples,
                 const std::function<void(const AnsweredRow&)>& keep, ProgressSink& progress,
                 const StopToken& stop);

/// Totals of the samples of one task.
struct Figures {
  std::size_t n = 0;
  double seconds = 0;
  double prompt_tokens = 0, generated_tokens = 0;  // means per row
  std::int64_t longest_prompt = 0;
  std::int64_t shared_tokens = 0;  // of all prompts, found in the cache
  std::size_t cut = 0;             // answers that ended at max_new_tokens
};
Figures figures_of(const std::vector<AnsweredRow>& samples);

}  // namespace pomona::eval
