// Answers as `--json` shows them.
#pragma once
#include "base/json.h"
#include "decode/request.h"
#include "text/tokenizer.h"

namespace pomona::cli {

/// `text`, `tokens`, `generated_tokens`, `stop_reason`, of a beam search `score`, with a full
/// context `context_full`, and if asked for `logprobs`: `content` with `token`, `id`, `bytes`,
/// `logprob` and `top_logprobs` of each token, as in OpenAI's interface.
Json answer_json(const decode::Completion& completion, const text::Tokenizer& tokenizer);

}  // namespace pomona::cli
