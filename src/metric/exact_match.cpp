#include "metric/exact_match.h"

#include <array>

#include "base/text.h"
#include "metric/squad.h"

namespace pomona::metric {
namespace {

constexpr std::array<std::string_view, 2> kScores = {"exact_match", "exact_match_normalised"};

std::string exact_match_signature(const MetricOptions&) {
  return "exact_match|ends:trimmed|normalised:squad";
}

std::vector<Score> score_exact_match(const MetricOptions&, std::span<const std::string> predictions,
                                     std::span<const std::string> references) {
  std::vector<Score> scores(kScores.size());
  for (std::size_t k = 0; k < kScores.size(); ++k) scores[k].name = kScores[k];
  for (std::size_t row = 0; row < references.size(); ++row) {
    const std::string &prediction = predictions[row], &reference = references[row];
    const bool strict = trim(prediction) == trim(reference);
    const bool normalised = normalise_answer(prediction) == normalise_answer(reference);
    scores[0].items.push_back(strict ? 1 : 0);
    scores[1].items.push_back(normalised ? 1 : 0);
  }
  return scores;
}

}  // namespace

constinit const Metric kExactMatch = {
    .name = "exact_match",
    .summary =
        "the share of answers equal to the reference, strictly and normalised (short answers)",
    .scores = kScores,
    .signature = exact_match_signature,
    .score = score_exact_match,
};

}  // namespace pomona::metric
