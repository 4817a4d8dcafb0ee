#include "lifecycle/prompt_sizes.h"

#include <algorithm>
#include <cmath>

namespace pomona::lifecycle {
namespace {

/// Tokens of a text by its characters: about four to a token in Latin script, one elsewhere.
double estimated_tokens(const std::vector<model::Message>& messages) {
  constexpr double kPerMessage = 6;  // marks of the chat template
  double tokens = 0;
  for (const model::Message& message : messages) {
    const std::size_t bytes = message.content.size();
    const std::size_t characters = store::count_characters(message.content);
    const double wide = static_cast<double>(bytes - characters) / 2;  // of three bytes each
    tokens += kPerMessage + wide + (static_cast<double>(characters) - wide) / 4;
  }
  return tokens;
}

std::int64_t common_prefix(const std::vector<std::int32_t>& a, const std::vector<std::int32_t>& b) {
  return std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin();
}

}  // namespace

PromptSizes prompt_sizes(Run& run, const Method& method, Split split, std::size_t sample) {
  const std::vector<Row>& rows = run.rows(split);
  const std::size_t count = std::min(sample, rows.size());
  PromptSizes sizes;
  sizes.rows = rows.size();
  std::vector<std::int32_t> first;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t row = i * rows.size() / count;
    const std::vector<model::Message> messages = method.recipe.messages(rows[row].input);
    std::int64_t tokens = 0;
    if (run.model_is_here()) {
      const std::vector<std::int32_t> prompt = run.answerer().prompt(messages);
      tokens = static_cast<std::int64_t>(prompt.size());
      if (i == 0) first = prompt;
      if (i == 1) sizes.shared = tokens;
      if (i > 0) sizes.shared = std::min(sizes.shared, common_prefix(first, prompt));
    } else {
      tokens = std::lround(estimated_tokens(messages));
      sizes.shared = std::lround(estimated_tokens(method.recipe.messages("")));
    }
    sizes.mean += static_cast<double>(tokens) / static_cast<double>(count);
    if (tokens > sizes.longest) {
      sizes.longest = tokens;
      sizes.longest_row = rows[row].number;
    }
  }
  return sizes;
}

}  // namespace pomona::lifecycle
