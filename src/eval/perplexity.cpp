#include "eval/perplexity.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "eval/chunk_reader.h"
#include "eval/moments.h"
#include "text/tokenizer.h"

namespace pomona::eval {
namespace {

/// The two likeliest tokens of a row of logits, and the log probability of `next`. Changes the row.
Prediction look(const kernel::Table& kernels, std::span<float> row, std::int32_t next) {
  const auto V = static_cast<std::int64_t>(row.size());
  Prediction prediction;
  const std::int64_t best = kernels.argmax(row.data(), V);
  float& best_logit = row[static_cast<std::size_t>(best)];
  prediction.best = static_cast<std::int32_t>(best);
  prediction.best_logit = best_logit;
  best_logit = -std::numeric_limits<float>::infinity();
  const std::int64_t second = kernels.argmax(row.data(), V);
  best_logit = prediction.best_logit;
  prediction.second = static_cast<std::int32_t>(second);
  prediction.margin = best_logit - row[static_cast<std::size_t>(second)];
  const double followed = row[static_cast<std::size_t>(next)];
  const double sum = kernels.exp_sum(row.data(), V, prediction.best_logit, 1);
  prediction.logprob = followed - static_cast<double>(prediction.best_logit) - std::log(sum);
  return prediction;
}

/// Predictions after the positions first .. last - 1 of a chunk, each of which has a next token
/// except the chunk's last.
std::vector<Prediction> predict(ChunkReader& reader, const Context& context,
                                std::span<const std::int32_t> chunk, std::int64_t first,
                                std::int64_t last, LogitsFileWriter* save) {
  std::vector<Prediction> predictions(static_cast<std::size_t>(last - first));
  const std::int64_t V = reader.vocabulary();
  reader.read(chunk, first, last, [&](std::int64_t begin, std::int64_t end, float* logits) {
    if (save != nullptr) save->write(logits, end - begin);
    context.pool.parallel_for(end - begin, [&](std::int64_t row) {
      const auto next = static_cast<std::size_t>(begin + row + 1);
      predictions[static_cast<std::size_t>(begin + row - first)] =
          look(context.kernels, {logits + row * V, static_cast<std::size_t>(V)},
               next < chunk.size() ? chunk[next] : 0);
    });
  });
  return predictions;
}

std::int64_t count_chunks(const model::Model& model, std::int64_t tokens,
                          const PerplexityOptions& options) {
  const std::int64_t n = options.context;
  const std::int64_t limit = model.lm->shape().context;
  if (n < 4 || n > limit) {
    fail(ErrorKind::bad_argument,
         "perplexity: chunks of {} tokens asked for; the model takes 4 to {}", n, limit);
  }
  const std::int64_t whole = tokens / n;
  if (whole == 0) {
    fail(ErrorKind::bad_argument,
         "perplexity: the text has {} tokens, one chunk needs {}; give a longer text or a smaller "
         "context",
         tokens, n);
  }
  return options.chunks > 0 ? std::min(whole, options.chunks) : whole;
}

}  // namespace

Perplexity perplexity(const model::Model& model, const Context& context,
                      std::span<const std::int32_t> tokens, const PerplexityOptions& options,
                      ProgressSink& progress) {
  const std::int64_t n = options.context;
  const bool halves = options.convention == Convention::halves;
  if (options.save != nullptr && (!halves || options.per_token))
    fail(ErrorKind::bad_argument,
         "perplexity: files of log probabilities hold second halves, no whole chunks");
  Perplexity result;
  result.chunks = count_chunks(model, static_cast<std::int64_t>(tokens.size()), options);
  ChunkReader reader(model, context, n, options.kv_kind);
  if (options.save != nullptr)
    options.save->begin(n, reader.vocabulary(),
                        tokens.first(static_cast<std::size_t>(result.chunks * n)));
  Moments moments;
  progress.begin("perplexity", static_cast<std::uint64_t>(result.chunks * n), "tokens");
  for (std::int64_t c = 0; c < result.chunks; ++c) {
    const auto part = tokens.subspan(static_cast<std::size_t>(c * n), static_cast<std::size_t>(n));
    std::vector<std::int32_t> chunk =
        halves ? reader.with_bos(part) : std::vector<std::int32_t>(part.begin(), part.end());
    const std::int64_t scored = halves ? first_scored(n) : 0;
    const std::int64_t first = options.per_token ? 0 : scored;
    std::vector<Prediction> predictions =
        predict(reader, context, chunk, first, options.per_token ? n : n - 1, options.save);
    for (std::int64_t t = scored; t < n - 1; ++t)
      moments.add(-predictions[static_cast<std::size_t>(t - first)].logprob);
    if (options.per_token) result.items.push_back({std::move(chunk), std::move(predictions)});
    if (!std::isfinite(moments.mean()))
      fail(ErrorKind::bad_file,
           "perplexity: the model's predictions are no numbers from chunk {} on: its weights are "
           "damaged",
           c + 1);
    progress.update(static_cast<std::uint64_t>((c + 1) * n));
  }
  progress.end();
  result.tokens = moments.count();
  result.perplexity = std::exp(moments.mean());
  result.standard_error = result.perplexity * moments.standard_error();
  return result;
}

Json to_json(const Perplexity& result) {
  Json json = {{"perplexity", result.perplexity},
               {"standard_error", result.standard_error},
               {"tokens", result.tokens},
               {"chunks", result.chunks}};
  if (result.items.empty()) return json;
  Json items = Json::array();
  for (const Perplexity::Chunk& chunk : result.items) {
    Json item = {{"tokens", chunk.tokens}};
    const auto list = [&](const char* name, auto field) {
      Json values = Json::array();
      for (const Prediction& prediction : chunk.predictions) values.push_back(field(prediction));
      item[name] = std::move(values);
    };
    list("best", [](const Prediction& p) { return p.best; });
    list("second", [](const Prediction& p) { return p.second; });
    list("best_logit", [](const Prediction& p) { return p.best_logit; });
    list("margin", [](const Prediction& p) { return p.margin; });
    list("logprob", [](const Prediction& p) { return p.logprob; });
    item["logprob"].back() = nullptr;
    items.push_back(std::move(item));
  }
  json["items"] = std::move(items);
  return json;
}

}  // namespace pomona::eval
