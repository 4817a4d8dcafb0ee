#include "metric/token_f1.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "base/text.h"
#include "metric/squad.h"
#include "metric/tokens.h"
#include "text/unicode.h"

namespace pomona::metric {
namespace {

constexpr std::array<std::string_view, 1> kScores = {"token_f1"};

std::vector<std::string> sorted_tokens(std::string_view text, bool by_characters) {
  std::vector<std::string> tokens;
  if (by_characters) {
    tokens = characters(text);
  } else if (const std::string normalised = normalise_answer(text); !normalised.empty()) {
    for (const std::string_view word : split(normalised, ' ')) tokens.emplace_back(word);
  }
  std::sort(tokens.begin(), tokens.end());
  return tokens;
}

std::string token_f1_signature(const MetricOptions& options) {
  if (!options.characters) return "token_f1|tok:squad";
  return fmt::format("token_f1|tok:characters-nfkc-casefold|unicode:{}", text::unicode_version());
}

std::vector<Score> score_token_f1(const MetricOptions& options,
                                  std::span<const std::string> predictions,
                                  std::span<const std::string> references) {
  Score score;
  score.name = kScores[0];
  for (std::size_t row = 0; row < references.size(); ++row) {
    score.items.push_back(token_f1(predictions[row], references[row], options.characters));
  }
  return {score};
}

}  // namespace

double token_f1(std::string_view prediction, std::string_view reference, bool by_characters) {
  const auto a = sorted_tokens(prediction, by_characters);
  const auto b = sorted_tokens(reference, by_characters);
  if (a.empty() || b.empty()) return a.empty() && b.empty() ? 1 : 0;
  std::vector<std::string> common;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(common));
  if (common.empty()) return 0;
  const auto hits = static_cast<double>(common.size());
  const double precision = hits / static_cast<double>(a.size());
  const double recall = hits / static_cast<double>(b.size());
  return 2 * precision * recall / (precision + recall);
}

constinit const Metric kTokenF1 = {
    .name = "token_f1",
    .summary = "overlap of the words of answer and reference, order ignored (short answers)",
    .scores = kScores,
    .takes_characters = true,
    .signature = token_f1_signature,
    .score = score_token_f1,
};

}  // namespace pomona::metric
