// Perplexity of a text, by one of two conventions whose figures cannot be compared.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/json.h"
#include "base/progress.h"
#include "eval/logits_file.h"
#include "model/model.h"
#include "tensor/context.h"

namespace pomona::eval {

/// What of each chunk of n tokens is predicted from what precedes it in the chunk.
enum class Convention {
  halves,  // llama-perplexity's: positions n/2 .. n - 2; the first token is BOS where models add it
  whole,   // papers' (GPTQ, SparseGPT, Wanda: n = 2048): all n - 1, the text as it is
};

struct PerplexityOptions {
  Convention convention = Convention::halves;
  std::int64_t context = 512;                  // n, tokens of a chunk, at least 4
  std::int64_t chunks = 8;                     // the first ones; 0: all
  bool per_token = false;                      // also what the model would say after every token
  LogitsFileWriter* save = nullptr;            // gets the log probabilities of what is scored
  std::optional<kernel::KvKind> kv_kind = {};  // of the cache; none: what suits the compute mode
};

/// What the model says after one token.
struct Prediction {
  std::int32_t best = 0, second = 0;  // the two likeliest tokens
  float best_logit = 0;
  float margin = 0;    // best logit less the second
  double logprob = 0;  // natural logarithm of the probability of the token that follows
};

struct Perplexity {
  double perplexity = 0;
  double standard_error = 0;
  std::int64_t tokens = 0;  // predicted ones
  std::int64_t chunks = 0;
  struct Chunk {
    std::vector<std::int32_t> tokens;     // as the model read them
    std::vector<Prediction> predictions;  // one for each; the last logprob means nothing
  };
  std::vector<Chunk> items;  // with per_token
};

/// `tokens`: the text, with BOS in front where the model wants one. perplexity = exp(m), m the mean
/// of the negative log probabilities, standard error = perplexity * sqrt((mean of squares - m^2) /
/// (count - 1)). Throws bad_argument if there is no whole chunk, n is more than the model's context
/// or `save` wants what is not scored; bad_file for predictions that are no numbers; cancelled.
Perplexity perplexity(const model::Model& model, const Context& context,
                      std::span<const std::int32_t> tokens, const PerplexityOptions& options,
                      ProgressSink& progress);

/// `perplexity`, `standard_error`, `tokens`, `chunks`, and with items for each chunk `tokens`,
/// `best`, `second`, `best_logit`, `margin`, `logprob` (its last one null).
Json to_json(const Perplexity& result);

}  // namespace pomona::eval
