// How far a model's predictions of a text are from those of another, which a file holds: what
// quantising costs.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "base/json.h"
#include "base/progress.h"
#include "eval/logits_file.h"
#include "model/model.h"
#include "tensor/context.h"

namespace pomona::eval {

/// A mean with its standard error.
struct Estimate {
  double mean = 0, standard_error = 0;
};

struct Divergence {
  std::int64_t tokens = 0, chunks = 0;
  Estimate perplexity, base_perplexity;
  /// ln(perplexity / base_perplexity); its error counts that both models read the same text.
  Estimate log_ratio;
  /// Kullback-Leibler divergence of the base's distribution from the model's, in nats: sum of
  /// p_base (ln p_base - ln p) over the tokens with ln p_base above -16.
  Estimate kl;
  std::vector<float> kl_values;  // of all positions, sorted
  /// Change of the probability of the token that follows.
  Estimate change;
  double change_rms = 0;
  Estimate same_top;  // share of positions with the same likeliest token
};

/// Reads the file's own tokens, with a cache of `kv_kind` or what suits the compute mode. Throws
/// bad_argument for another vocabulary or chunks longer than the model's context, bad_file,
/// cancelled.
Divergence kl_divergence(const model::Model& model, const Context& context, const LogitsFile& base,
                         ProgressSink& progress, std::optional<kernel::KvKind> kv_kind = {});

/// Between neighbours of sorted values, linearly; `share` 0 to 1.
double percentile(const std::vector<float>& sorted, double share);

/// `perplexity`, `standard_error`, `tokens`, `chunks`, `base_perplexity`, `log_ratio`,
/// `kl_divergence` {mean, standard_error, median, maximum, minimum, percentiles}, `same_top`,
/// `probability_change`.
Json to_json(const Divergence& result);

}  // namespace pomona::eval
