// Perplexity of answers against the reference library's logits, and that company changes nothing.
#include "eval/answer_perplexity.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "tests/support/engine.h"
#include "tests/support/golden.h"
#include "tests/support/refused.h"

namespace pomona::eval {
namespace {

using golden::Golden;

class AnswerPerplexityTest : public testing::Test {
 protected:
  AnswerPerplexityTest() : model(model::load_model(golden::path_of("llama_tiny.gguf"))) {
    engine.context.compute = Compute::f32;
  }
  Perplexity of(const std::vector<KnownAnswer>& rows) {
    return answer_perplexity(model, engine.context, rows, no_progress());
  }
  std::vector<std::int32_t> part(std::size_t begin, std::size_t end) const {
    return {tokens.begin() + static_cast<std::ptrdiff_t>(begin),
            tokens.begin() + static_cast<std::ptrdiff_t>(end)};
  }
  ErrorKind refusal(const std::vector<KnownAnswer>& rows) {
    return test::error_of([&] { of(rows); }).kind();
  }

  Golden golden{"llama_tiny"};
  std::vector<std::int32_t> tokens = golden.integers("tokens.0");  // 22
  model::Model model;
  test::Engine engine{2};
};

TEST_F(AnswerPerplexityTest, EqualsTheReferenceLogits) {
  const std::vector<double> logits = golden.numbers("row.0.logits");
  const std::size_t V = golden.shape("row.0.logits")[1];
  double mean = 0;
  for (std::size_t t = 11; t < 21; ++t) {
    const double* row = logits.data() + t * V;
    double sum = 0;
    for (std::size_t v = 0; v < V; ++v) sum += std::exp(row[v]);
    mean += (std::log(sum) - row[tokens[t + 1]]) / 10;
  }
  const Perplexity result = of({{part(0, 12), part(12, 22)}});
  EXPECT_EQ(result.tokens, 10);
  EXPECT_EQ(result.chunks, 1);
  // As in perplexity_test: logits below 4 are held to 1e-4 of the largest.
  EXPECT_NEAR(result.perplexity, std::exp(mean), 4e-4 * std::exp(mean));
}

TEST_F(AnswerPerplexityTest, RowsThatShareAPromptSayWhatTheySayAlone) {
  std::vector<std::int32_t> prompt;  // more than two blocks of the cache
  for (int i = 0; i < 7; ++i) prompt.insert(prompt.end(), tokens.begin(), tokens.end());
  const KnownAnswer first{prompt, part(3, 10)};
  KnownAnswer second{prompt, part(5, 8)};
  second.prompt.back() = 7;
  const Perplexity a = of({first}), b = of({second});
  const Perplexity both = of({first, {prompt, {}}, second});
  EXPECT_EQ(both.tokens, 10);
  EXPECT_EQ(both.chunks, 3);
  // Only the order of a sum of ten numbers differs.
  EXPECT_NEAR(std::log(both.perplexity),
              (7 * std::log(a.perplexity) + 3 * std::log(b.perplexity)) / 10, 1e-12);
}

TEST_F(AnswerPerplexityTest, RefusesWhatCannotBeRead) {
  EXPECT_EQ(refusal({{part(0, 3), {}}}), ErrorKind::bad_argument);
  EXPECT_EQ(refusal({{{}, part(0, 3)}}), ErrorKind::bad_argument);
  EXPECT_EQ(refusal({{std::vector<std::int32_t>(510, 5), part(0, 3)}}), ErrorKind::bad_argument);
  StopToken stop;
  stop.request();
  engine.context.stop = &stop;
  EXPECT_EQ(refusal({{part(0, 3), part(3, 5)}}), ErrorKind::cancelled);
}

}  // namespace
}  // namespace pomona::eval
