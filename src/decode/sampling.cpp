#include "decode/sampling.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "base/random.h"

namespace pomona::decode {
namespace {

/// The stream of the draws; the answer's token number is the index.
constexpr std::uint64_t kSamplingStream = 1;

/// Below this temperature the best token's share is 1 unless another's logit is within 1e-4 of its,
/// and the inverse would leave the range of float.
constexpr double kGreedyBelow = 1e-6;

struct Candidate {
  float weight;  // exp of the logit above the best one's, by temperature
  std::int32_t token;
};

/// Heavier first, then the smaller token: an order without ties.
bool lighter(const Candidate& a, const Candidate& b) {
  return a.weight != b.weight ? a.weight < b.weight : a.token > b.token;
}

/// Divides what is likely, multiplies what is not, so that a factor above 1 always lowers.
void penalise_repetition(std::span<float> logits, std::span<const std::int32_t> tokens,
                         double penalty) {
  const std::unordered_set<std::int32_t> distinct(tokens.begin(), tokens.end());
  const auto factor = static_cast<float>(penalty);
  for (const std::int32_t token : distinct) {
    if (static_cast<std::size_t>(token) >= logits.size()) continue;  // a virtual one
    float& logit = logits[static_cast<std::size_t>(token)];
    logit = logit > 0 ? logit / factor : logit * factor;
  }
}

void penalise_use(std::span<float> logits, std::span<const std::int32_t> answer,
                  const SamplingOptions& options) {
  std::unordered_map<std::int32_t, std::int64_t> uses;
  for (const std::int32_t token : answer) ++uses[token];
  for (const auto& [token, times] : uses) {
    logits[static_cast<std::size_t>(token)] -= static_cast<float>(
        options.presence_penalty + options.frequency_penalty * static_cast<double>(times));
  }
}

/// The heaviest candidates until `top_k` of them or the share `top_p` of `sum` is reached, heaviest
/// first.
std::vector<Candidate> heaviest(std::vector<Candidate> all, const SamplingOptions& options,
                                double sum) {
  const std::size_t most = options.top_k > 0
                               ? std::min(all.size(), static_cast<std::size_t>(options.top_k))
                               : all.size();
  std::make_heap(all.begin(), all.end(), lighter);
  std::vector<Candidate> kept;
  const auto take = [&] {
    std::pop_heap(all.begin(), all.end(), lighter);
    kept.push_back(all.back());
    all.pop_back();
  };
  if (options.top_k > 0) {  // top-p then works on what top-k left
    while (kept.size() < most) take();
    sum = 0;
    for (const Candidate& candidate : kept) sum += static_cast<double>(candidate.weight);
    double reached = 0;
    std::size_t count = 0;
    while (count < kept.size() && reached < options.top_p * sum)
      reached += static_cast<double>(kept[count++].weight);
    kept.resize(std::max<std::size_t>(1, count));
    return kept;
  }
  double reached = 0;
  do {
    take();
    reached += static_cast<double>(kept.back().weight);
  } while (!all.empty() && reached < options.top_p * sum);
  return kept;
}

}  // namespace

void SamplingOptions::check(std::int64_t V) const {
  const auto require = [](bool good, std::string_view name, double value, std::string_view range) {
    if (!good) fail(ErrorKind::bad_argument, "{} {}: must be {}", name, value, range);
  };
  require(std::isfinite(temperature) && temperature >= 0, "temperature", temperature,
          "0 (greedy) or more");
  require(top_k >= 0, "top_k", static_cast<double>(top_k), "0 (all tokens) or more");
  require(top_p > 0 && top_p <= 1, "top_p", top_p, "above 0 and at most 1");
  require(min_p >= 0 && min_p < 1, "min_p", min_p, "at least 0 and below 1");
  require(repetition_penalty >= 0.01 && repetition_penalty <= 100, "repetition_penalty",
          repetition_penalty, "from 0.01 to 100; 1 is none");
  require(std::abs(presence_penalty) <= 2, "presence_penalty", presence_penalty,
          "from -2 to 2; 0 is none");
  require(std::abs(frequency_penalty) <= 2, "frequency_penalty", frequency_penalty,
          "from -2 to 2; 0 is none");
  for (const auto& [token, bias] : logit_bias) {
    require(std::abs(bias) <= 100, "logit_bias", bias, "from -100 (never) to 100 (always)");
    if (token < 0 || token >= V)
      fail(ErrorKind::bad_argument, "logit_bias: token {}, the vocabulary has {}", token, V);
  }
}

void adjust(const SamplingOptions& options, std::span<float> logits,
            std::span<const std::int32_t> tokens, std::size_t answer) {
  for (const auto& [token, bias] : options.logit_bias)
    logits[static_cast<std::size_t>(token)] += static_cast<float>(bias);
  if (options.repetition_penalty != 1)
    penalise_repetition(logits, tokens, options.repetition_penalty);
  if (options.presence_penalty != 0 || options.frequency_penalty != 0)
    penalise_use(logits, tokens.subspan(answer), options);
}

void forbid(std::span<const std::int32_t> tokens, std::span<float> logits) {
  for (const std::int32_t token : tokens)
    logits[static_cast<std::size_t>(token)] = -std::numeric_limits<float>::infinity();
}

std::int32_t draw(const kernel::Table& kernels, const SamplingOptions& options,
                  std::span<float> logits, std::uint64_t index) {
  const auto V = static_cast<std::int64_t>(logits.size());
  const std::int64_t best = kernels.argmax(logits.data(), V);
  if (options.temperature < kGreedyBelow) return static_cast<std::int32_t>(best);

  const float highest = logits[static_cast<std::size_t>(best)];
  double sum =
      kernels.exp_sum(logits.data(), V, highest, static_cast<float>(1 / options.temperature));
  std::vector<Candidate> candidates;
  candidates.reserve(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i)
    candidates.push_back({logits[i], static_cast<std::int32_t>(i)});
  if (options.top_k > 0 || options.top_p < 1)
    candidates = heaviest(std::move(candidates), options, sum);
  std::erase_if(candidates,
                [&](const Candidate& c) { return static_cast<double>(c.weight) < options.min_p; });

  sum = 0;
  for (const Candidate& candidate : candidates) sum += static_cast<double>(candidate.weight);
  const double drawn = Random(options.seed, kSamplingStream).uniform(index) * sum;
  double reached = 0;
  for (const Candidate& candidate : candidates) {
    reached += static_cast<double>(candidate.weight);
    if (drawn < reached) return candidate.token;
  }
  return candidates.empty() ? static_cast<std::int32_t>(best) : candidates.back().token;
}

}  // namespace pomona::decode
