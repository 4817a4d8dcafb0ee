// Perplexity of the tiny model against the reference library's logits, and llama-perplexity's
// convention.
#include "eval/perplexity.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "tests/support/engine.h"
#include "tests/support/golden.h"
#include "tests/support/refused.h"
#include "text/tokenizer.h"

namespace pomona::eval {
namespace {

using golden::Golden;
using test::Engine;

class PerplexityTest : public testing::Test {
 protected:
  PerplexityTest() : model(model::load_model(golden::path_of("llama_tiny.gguf"))) {
    engine.context.compute = Compute::f32;
  }
  Perplexity of(std::span<const std::int32_t> text, PerplexityOptions options) {
    return perplexity(model, engine.context, text, options, no_progress());
  }
  Golden golden{"llama_tiny"};
  std::vector<std::int32_t> tokens = golden.integers("tokens.0");  // 22
  model::Model model;
  Engine engine{2};
};

/// log softmax of row t of logits (T, V) at `token`, in f64.
double log_probability(const std::vector<double>& logits, std::size_t V, std::size_t t,
                       std::int32_t token) {
  const double* row = logits.data() + t * V;
  double sum = 0;
  for (std::size_t v = 0; v < V; ++v) sum += std::exp(row[v]);
  return row[token] - std::log(sum);
}

TEST_F(PerplexityTest, EqualsTheReferenceLogits) {
  const std::vector<double> logits = golden.numbers("row.0.logits");
  const std::size_t V = golden.shape("row.0.logits")[1];
  std::vector<double> nll;
  for (std::size_t t = 11; t < 21; ++t)
    nll.push_back(-log_probability(logits, V, t, tokens[t + 1]));
  double mean = 0, spread = 0;
  for (const double x : nll) mean += x / 10;
  for (const double x : nll) spread += (x - mean) * (x - mean) / 10;

  const Perplexity result = of(tokens, {.context = 22, .chunks = 0, .per_token = true});
  EXPECT_EQ(result.chunks, 1);
  EXPECT_EQ(result.tokens, 10);
  // Models are held to 1e-4 of the largest logit (here below 4); the exponential passes that on.
  EXPECT_NEAR(result.perplexity, std::exp(mean), 4e-4 * std::exp(mean));
  EXPECT_NEAR(result.standard_error, std::exp(mean) * std::sqrt(spread / 9),
              1e-3 * result.standard_error);

  ASSERT_EQ(result.items.size(), 1u);
  EXPECT_EQ(result.items[0].tokens, tokens);
  ASSERT_EQ(result.items[0].predictions.size(), tokens.size());
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    std::vector<std::int32_t> order(V);
    for (std::size_t v = 0; v < V; ++v) order[v] = static_cast<std::int32_t>(v);
    const double* row = logits.data() + t * V;
    std::ranges::partial_sort(order, order.begin() + 2,
                              [&](std::int32_t a, std::int32_t b) { return row[a] > row[b]; });
    const Prediction& found = result.items[0].predictions[t];
    EXPECT_EQ(found.best, order[0]) << t;
    EXPECT_EQ(found.second, order[1]) << t;
    EXPECT_NEAR(found.best_logit, row[order[0]], 4e-4) << t;
    EXPECT_NEAR(found.margin, row[order[0]] - row[order[1]], 8e-4) << t;
    if (t + 1 < tokens.size()) {
      EXPECT_NEAR(found.logprob, log_probability(logits, V, t, tokens[t + 1]), 8e-4) << t;
    }
  }
}

TEST_F(PerplexityTest, LookingAtEveryTokenChangesNothing) {
  const Perplexity plain = of(tokens, {.context = 8, .chunks = 0});
  const Perplexity every = of(tokens, {.context = 8, .chunks = 0, .per_token = true});
  EXPECT_EQ(plain.chunks, 2);
  EXPECT_EQ(plain.tokens, 6);  // positions 4, 5, 6 of both chunks
  EXPECT_EQ(plain.perplexity, every.perplexity);
  EXPECT_EQ(plain.standard_error, every.standard_error);
  EXPECT_TRUE(plain.items.empty());
}

TEST_F(PerplexityTest, ChunksStandAlone) {
  std::vector<std::int32_t> twice = tokens;
  twice.insert(twice.end(), tokens.begin(), tokens.end());
  twice.push_back(5);  // part of a chunk is left out
  const Perplexity one = of(twice, {.context = 22, .chunks = 1});
  const Perplexity two = of(twice, {.context = 22, .chunks = 9});
  EXPECT_EQ(two.chunks, 2);
  EXPECT_NEAR(two.perplexity, one.perplexity, 1e-12 * one.perplexity);  // another order of a sum
  // Twice the count, the same spread: (count - 1) goes from 9 to 19.
  EXPECT_NEAR(two.standard_error * std::sqrt(19.0 / 9.0), one.standard_error, 1e-9);
}

/// The tiny model's vocabulary, with a BOS that it asks for.
class WithBos : public text::Tokenizer {
 public:
  explicit WithBos(std::shared_ptr<const text::Tokenizer> inner) : inner_(std::move(inner)) {
    special_ = inner_->special();
    special_.bos = 1;
    special_.add_bos = true;
  }
  std::vector<text::TokenId> encode(std::string_view text,
                                    text::EncodeOptions options) const override {
    return inner_->encode(text, options);
  }
  std::size_t vocabulary_size() const override { return inner_->vocabulary_size(); }
  std::string_view token_bytes(text::TokenId id) const override { return inner_->token_bytes(id); }
  std::string_view token_text(text::TokenId id) const override { return inner_->token_text(id); }
  text::TokenKind kind(text::TokenId id) const override { return inner_->kind(id); }
  std::optional<text::TokenId> find(std::string_view text) const override {
    return inner_->find(text);
  }
  const text::SpecialTokens& special() const override { return special_; }
  bool ends_generation(text::TokenId id) const override { return inner_->ends_generation(id); }

 private:
  std::shared_ptr<const text::Tokenizer> inner_;
  text::SpecialTokens special_;
};

TEST_F(PerplexityTest, BosReplacesTheFirstTokenOfEveryChunk) {
  std::vector<std::int32_t> replaced = tokens;
  replaced[0] = replaced[8] = 1;
  const Perplexity expected = of(replaced, {.context = 8, .chunks = 0});
  model.tokenizer = std::make_shared<WithBos>(model.tokenizer);
  const Perplexity found = of(tokens, {.context = 8, .chunks = 0, .per_token = true});
  EXPECT_EQ(found.perplexity, expected.perplexity);
  EXPECT_EQ(found.items[1].tokens.front(), 1);
  EXPECT_NE(expected.perplexity, of(tokens, {.context = 11, .chunks = 0}).perplexity);
}

TEST_F(PerplexityTest, RefusesWhatDoesNotFit) {
  const auto kind_of = [&](std::int64_t n, std::span<const std::int32_t> text) {
    return test::error_of([&] { of(text, {.context = n}); }).kind();
  };
  EXPECT_EQ(kind_of(23, tokens), ErrorKind::bad_argument);   // no whole chunk
  EXPECT_EQ(kind_of(513, tokens), ErrorKind::bad_argument);  // beyond the model's context
  EXPECT_EQ(kind_of(3, tokens), ErrorKind::bad_argument);
  StopToken stop;
  stop.request();
  engine.context.stop = &stop;
  EXPECT_EQ(kind_of(22, tokens), ErrorKind::cancelled);
}

TEST_F(PerplexityTest, JsonHasTheListsOfTheAgreementBench) {
  const Json json = to_json(of(tokens, {.context = 11, .chunks = 2, .per_token = true}));
  ASSERT_EQ(json["items"].size(), 2u);
  for (const char* list : {"tokens", "best", "second", "best_logit", "margin", "logprob"}) {
    EXPECT_EQ(json["items"][1][list].size(), 11u) << list;
  }
  EXPECT_TRUE(json["items"][0]["logprob"].back().is_null());
  EXPECT_TRUE(json["items"][0]["logprob"][0].is_number());
  EXPECT_FALSE(to_json(of(tokens, {.context = 11})).contains("items"));
}

}  // namespace
}  // namespace pomona::eval
