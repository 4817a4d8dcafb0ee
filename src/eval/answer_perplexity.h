// Perplexity of answers that are known, each given its prompt: what a model thinks of the
// references of a task, where a text of its own is not at hand.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "base/progress.h"
#include "eval/perplexity.h"
#include "model/model.h"
#include "tensor/context.h"

namespace pomona::eval {

struct KnownAnswer {
  std::vector<std::int32_t> prompt;  // at least one token
  std::vector<std::int32_t> answer;  // none: the row says nothing
};

/// exp of the mean negative log probability of all tokens of the answers, each predicted from its
/// prompt and the answer's tokens before it; what the prompts have in common is read once. `chunks`
/// is the number of answers. Throws bad_argument for a row that is longer than the model's context,
/// for an empty prompt, or if no answer has a token; bad_file for predictions that are no numbers;
/// cancelled.
Perplexity answer_perplexity(const model::Model& model, const Context& context,
                             std::span<const KnownAnswer> rows, ProgressSink& progress);

}  // namespace pomona::eval
