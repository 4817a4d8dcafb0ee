#include "eval/perplexity.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "text/tokenizer.h"

namespace pomona::eval {
namespace {

/// Rows of one forward pass: what bounds the memory of logits.
constexpr std::int64_t kPiece = 256;

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

/// Reads chunks one after another with one cache.
class Reader {
 public:
  Reader(const model::Model& model, const Context& context, std::int64_t n)
      : lm_(*model.lm),
        context_(context),
        pool_(model::kv_shape(lm_.shape(), context.compute), nn::kv_blocks(n)),
        cache_(pool_) {}

  /// Predictions after positions first .. last - 1 of a chunk, each of which has a next token
  /// except the chunk's last.
  std::vector<Prediction> read(std::span<const std::int32_t> chunk, std::int64_t first,
                               std::int64_t last) {
    cache_.clear();
    std::vector<Prediction> predictions(static_cast<std::size_t>(last - first));
    for (std::int64_t begin = 0; begin < last;) {
      if (context_.stop != nullptr) context_.stop->check("perplexity");
      const bool wanted = begin >= first;
      const std::int64_t end = std::min(begin + kPiece, wanted ? last : first);
      const Tensor logits = forward(chunk, begin, end, wanted);
      if (wanted) look_at_rows(chunk, begin, end, logits, predictions.data() + (begin - first));
      begin = end;
    }
    return predictions;
  }

 private:
  Tensor forward(std::span<const std::int32_t> chunk, std::int64_t begin, std::int64_t end,
                 bool wanted) {
    cache_.extend(end - begin);
    nn::Batch batch;
    batch.append(
        chunk.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)),
        begin, &cache_, wanted ? nn::Batch::Logits::all : nn::Batch::Logits::none);
    return lm_.forward(batch, context_);
  }

  void look_at_rows(std::span<const std::int32_t> chunk, std::int64_t begin, std::int64_t end,
                    const Tensor& logits, Prediction* predictions) {
    const std::int64_t V = logits.size(1);
    float* rows = logits.data<float>();
    context_.pool.parallel_for(end - begin, [&](std::int64_t row) {
      const auto next = static_cast<std::size_t>(begin + row + 1);
      predictions[row] = look(context_.kernels, {rows + row * V, static_cast<std::size_t>(V)},
                              next < chunk.size() ? chunk[next] : 0);
    });
  }

  const model::CausalLm& lm_;
  const Context& context_;
  nn::KvPool pool_;
  nn::KvSequence cache_;
};

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
  Perplexity result;
  result.chunks = count_chunks(model, static_cast<std::int64_t>(tokens.size()), options);
  const text::SpecialTokens& special = model.tokenizer->special();
  Reader reader(model, context, n);
  double sum = 0, squares = 0;
  progress.begin("perplexity", static_cast<std::uint64_t>(result.chunks * n), "tokens");
  for (std::int64_t c = 0; c < result.chunks; ++c) {
    const auto part = tokens.subspan(static_cast<std::size_t>(c * n), static_cast<std::size_t>(n));
    std::vector<std::int32_t> chunk(part.begin(), part.end());
    if (special.add_bos && special.bos) chunk.front() = *special.bos;
    const std::int64_t first = options.per_token ? 0 : n / 2;
    std::vector<Prediction> predictions = reader.read(chunk, first, options.per_token ? n : n - 1);
    for (std::int64_t t = n / 2; t < n - 1; ++t) {
      const double nll = -predictions[static_cast<std::size_t>(t - first)].logprob;
      sum += nll;
      squares += nll * nll;
      ++result.tokens;
    }
    if (options.per_token) result.items.push_back({std::move(chunk), std::move(predictions)});
    if (!std::isfinite(sum))
      fail(ErrorKind::bad_file,
           "perplexity: the model's predictions are no numbers from chunk {} on: its weights are "
           "damaged",
           c + 1);
    progress.update(static_cast<std::uint64_t>((c + 1) * n));
  }
  progress.end();
  const auto count = static_cast<double>(result.tokens);
  const double mean = sum / count;
  result.perplexity = std::exp(mean);
  if (result.tokens > 1) {
    const double spread = std::max(0.0, squares / count - mean * mean);
    result.standard_error = result.perplexity * std::sqrt(spread / (count - 1));
  }
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
