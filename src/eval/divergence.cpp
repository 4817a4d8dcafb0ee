#include "eval/divergence.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "eval/chunk_reader.h"
#include "eval/moments.h"

namespace pomona::eval {
namespace {

constexpr float kLeastLogprob = -16;  // llama.cpp's: files say nothing certain below it

/// One position of the text in both models.
struct Position {
  double nll = 0, base_nll = 0, kl = 0;
  bool same_top = false;
};

/// Changes the logits.
Position compare(const kernel::Table& kernels, std::span<float> logits, const LogitsRow& base,
                 std::int32_t next) {
  const auto V = static_cast<std::int64_t>(logits.size());
  const auto best = static_cast<std::size_t>(kernels.argmax(logits.data(), V));
  const double best_logit = logits[best], followed = logits[static_cast<std::size_t>(next)];
  double base_sum = 0, kl = 0;  // as if the model's exponentials had the sum 1
  for (std::size_t token = 0; token < logits.size(); ++token) {
    const float logprob = base.logprob(token);
    if (logprob <= kLeastLogprob) continue;
    const double probability = std::exp(logprob);
    base_sum += probability;
    kl += probability * (logprob - (logits[token] - best_logit));
  }
  const double log_sum =
      std::log(kernels.exp_sum(logits.data(), V, static_cast<float>(best_logit), 1));
  const auto base_best = std::max_element(base.codes.begin(), base.codes.end());
  return {.nll = best_logit + log_sum - followed,
          .base_nll = -base.logprob(static_cast<std::size_t>(next)),
          .kl = kl + base_sum * log_sum,
          .same_top = base_best - base.codes.begin() == static_cast<std::ptrdiff_t>(best)};
}

/// What all positions together say.
class Sums {
 public:
  void add(const Position& position) {
    nll_.add(position.nll);
    base_nll_.add(position.base_nll);
    difference_.add(position.nll - position.base_nll);
    kl_.add(position.kl);
    kl_values_.push_back(static_cast<float>(position.kl));
    const double change = std::exp(-position.nll) - std::exp(-position.base_nll);
    change_.add(change);
    change_squared_.add(change * change);
    same_top_.add(position.same_top ? 1 : 0);
  }

  Divergence result() {
    Divergence result;
    result.tokens = nll_.count();
    result.perplexity = exponential(nll_);
    result.base_perplexity = exponential(base_nll_);
    result.log_ratio = estimate(difference_);
    result.kl = estimate(kl_);
    result.change = estimate(change_);
    result.change_rms = std::sqrt(change_squared_.mean());
    result.same_top = estimate(same_top_);
    std::sort(kl_values_.begin(), kl_values_.end());
    result.kl_values = std::move(kl_values_);
    return result;
  }

 private:
  static Estimate estimate(const Moments& moments) {
    return {moments.mean(), moments.standard_error()};
  }
  static Estimate exponential(const Moments& moments) {
    return {std::exp(moments.mean()), std::exp(moments.mean()) * moments.standard_error()};
  }

  Moments nll_, base_nll_, difference_, kl_, change_, change_squared_, same_top_;
  std::vector<float> kl_values_;
};

void check_fits(const model::Model& model, const LogitsFile& base) {
  const model::LmShape& shape = model.lm->shape();
  if (base.vocabulary() != shape.V)
    fail(ErrorKind::bad_argument,
         "perplexity: {} is of a model with {} tokens, this one has {}: they cannot be compared",
         base.origin(), base.vocabulary(), shape.V);
  if (base.context() > shape.context)
    fail(ErrorKind::bad_argument, "perplexity: {} has chunks of {} tokens; the model takes {}",
         base.origin(), base.context(), shape.context);
}

}  // namespace

Divergence kl_divergence(const model::Model& model, const Context& context, const LogitsFile& base,
                         ProgressSink& progress, std::optional<kernel::KvKind> kv_kind) {
  check_fits(model, base);
  const std::int64_t n = base.context(), V = base.vocabulary(), first = first_scored(n);
  ChunkReader reader(model, context, n, kv_kind);
  Sums sums;
  progress.begin("perplexity", static_cast<std::uint64_t>(base.chunks() * n), "tokens");
  for (std::int64_t c = 0; c < base.chunks(); ++c) {
    const std::vector<std::int32_t> chunk = reader.with_bos(base.tokens(c));
    std::vector<Position> positions(static_cast<std::size_t>(count_scored(n)));
    reader.read(chunk, first, n - 1, [&](std::int64_t begin, std::int64_t end, float* logits) {
      context.pool.parallel_for(end - begin, [&](std::int64_t row) {
        const std::int64_t i = begin + row - first;
        positions[static_cast<std::size_t>(i)] =
            compare(context.kernels, {logits + row * V, static_cast<std::size_t>(V)},
                    base.row(c, i), chunk[static_cast<std::size_t>(begin + row + 1)]);
      });
    });
    for (const Position& position : positions) sums.add(position);
    progress.update(static_cast<std::uint64_t>((c + 1) * n));
  }
  progress.end();
  Divergence result = sums.result();
  result.chunks = base.chunks();
  return result;
}

double percentile(const std::vector<float>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  const double part = place - static_cast<double>(below);
  return (1 - part) * sorted[below] + part * sorted[above];
}

Json to_json(const Divergence& result) {
  Json percentiles = Json::object();
  constexpr std::array<std::pair<const char*, double>, 8> kShares = {{{"99.9", 0.999},
                                                                      {"99", 0.99},
                                                                      {"95", 0.95},
                                                                      {"90", 0.9},
                                                                      {"10", 0.1},
                                                                      {"5", 0.05},
                                                                      {"1", 0.01},
                                                                      {"0.1", 0.001}}};
  for (const auto& [name, share] : kShares) percentiles[name] = percentile(result.kl_values, share);
  const auto json_of = [](const Estimate& estimate) {
    return Json{{"mean", estimate.mean}, {"standard_error", estimate.standard_error}};
  };
  Json json = {{"perplexity", result.perplexity.mean},
               {"standard_error", result.perplexity.standard_error},
               {"tokens", result.tokens},
               {"chunks", result.chunks},
               {"base_perplexity", result.base_perplexity.mean},
               {"log_ratio", json_of(result.log_ratio)},
               {"kl_divergence", json_of(result.kl)},
               {"same_top", json_of(result.same_top)},
               {"probability_change", json_of(result.change)}};
  json["kl_divergence"].update({{"median", percentile(result.kl_values, 0.5)},
                                {"maximum", result.kl_values.back()},
                                {"minimum", result.kl_values.front()},
                                {"percentiles", std::move(percentiles)}});
  json["probability_change"]["rms"] = result.change_rms;
  return json;
}

}  // namespace pomona::eval
