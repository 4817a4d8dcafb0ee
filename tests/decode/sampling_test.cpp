// The choice of a token: what changes logits, and draws against the distribution they are from.
#include "decode/sampling.h"

#include <gtest/gtest.h>

#include <cmath>

#include "decode/logprobs.h"
#include "tests/support/refused.h"

namespace pomona::decode {
namespace {

using test::refused;

TEST(Sampling, DrawsFollowTheFilteredDistribution) {
  const kernel::Table& kernels = kernel::table();
  const auto share = [&](const SamplingOptions& options, std::int32_t token) {
    int hits = 0;
    for (std::uint64_t i = 0; i < 4000; ++i) {
      std::vector<float> logits = {std::log(0.5f), std::log(0.3f), std::log(0.15f),
                                   std::log(0.05f)};
      hits += draw(kernels, options, logits, i) == token;
    }
    return hits / 4000.0;
  };
  const double five_errors = 5 * 0.5 / std::sqrt(4000.0);  // standard errors of a share
  EXPECT_NEAR(share({.temperature = 1}, 0), 0.5, five_errors);
  EXPECT_NEAR(share({.temperature = 1}, 3), 0.05, five_errors);
  EXPECT_NEAR(share({.temperature = 1, .top_k = 2}, 1), 0.375, five_errors);
  EXPECT_NEAR(share({.temperature = 1, .top_p = 0.7}, 1), 0.375, five_errors);
  EXPECT_NEAR(share({.temperature = 1, .min_p = 0.2}, 2), 0.15 / 0.95, five_errors);
  EXPECT_EQ(share({.temperature = 1, .top_k = 2}, 2), 0);
  EXPECT_EQ(share({.temperature = 1, .min_p = 0.2}, 3), 0);
  EXPECT_EQ(share({.temperature = 0}, 0), 1);
  EXPECT_NEAR(share({.temperature = 0.5}, 0), 0.25 / (0.25 + 0.09 + 0.0225 + 0.0025), five_errors);
}

TEST(Sampling, TheRepetitionPenaltyLowersWhatWasSeen) {
  std::vector<float> logits = {2.0f, 1.9f, -1.0f, 0.5f};
  const std::int32_t seen[] = {0, 2, 2};
  adjust({.repetition_penalty = 1.3}, logits, seen, 1);
  EXPECT_FLOAT_EQ(logits[0], 2.0f / 1.3f);
  EXPECT_FLOAT_EQ(logits[1], 1.9f);
  EXPECT_FLOAT_EQ(logits[2], -1.3f);
  EXPECT_EQ(draw(kernel::table(), {}, logits, 0), 1);
}

TEST(Sampling, PresenceAndFrequencyCountTheAnswerAlone) {
  const std::vector<float> given = {2.0f, 1.0f, -1.0f, 0.5f};
  const std::int32_t seen[] = {0, 3, 2, 1, 2, 2};  // the answer begins with the third
  std::vector<float> logits = given;
  adjust({.presence_penalty = 0.5, .frequency_penalty = 0.25}, logits, seen, 2);
  EXPECT_EQ(logits, (std::vector<float>{2.0f, 1.0f - 0.75f, -1.0f - 1.25f, 0.5f}));
  logits = given;
  adjust({.frequency_penalty = -2}, logits, seen, 2);
  EXPECT_EQ(logits, (std::vector<float>{2.0f, 3.0f, 5.0f, 0.5f}));
}

TEST(Sampling, BiasComesFirst) {
  std::vector<float> logits = {1.0f, -1.0f, 0.0f};
  const std::int32_t seen[] = {1};
  adjust({.repetition_penalty = 2, .logit_bias = {{1, 5}, {2, -100}}}, logits, seen, 1);
  EXPECT_EQ(logits, (std::vector<float>{1.0f, 2.0f, -100.0f}));
}

TEST(Sampling, TinyTemperaturesAreGreedy) {
  for (const double temperature : {1e-6, 1e-7, 1e-40, 1e-300}) {
    for (std::uint64_t i = 0; i < 20; ++i) {
      std::vector<float> logits = {1.0f, 1.5f, -2.0f};
      EXPECT_EQ(draw(kernel::table(), {.temperature = temperature}, logits, i), 1) << temperature;
    }
  }
}

TEST(Sampling, RangesAreKept) {
  const auto refusal = [](const SamplingOptions& options) {
    return refused([&] { options.check(10); });
  };
  EXPECT_EQ(refusal({.repetition_penalty = 1e-300}),
            "bad_argument: repetition_penalty 1e-300: must be from 0.01 to 100; 1 is none");
  EXPECT_EQ(refusal({.repetition_penalty = 0.01}), "nothing");
  EXPECT_EQ(refusal({.presence_penalty = -2.1}),
            "bad_argument: presence_penalty -2.1: must be from -2 to 2; 0 is none");
  EXPECT_EQ(refusal({.frequency_penalty = std::nan("")}),
            "bad_argument: frequency_penalty nan: must be from -2 to 2; 0 is none");
  EXPECT_EQ(refusal({.logit_bias = {{9, -100}, {3, 100.5}}}),
            "bad_argument: logit_bias 100.5: must be from -100 (never) to 100 (always)");
  EXPECT_EQ(refusal({.logit_bias = {{10, 1}}}),
            "bad_argument: logit_bias: token 10, the vocabulary has 10");
}

TEST(Logprobs, AreOfTheSoftmaxLikeliestFirst) {
  const std::vector<float> logits = {std::log(0.2f), std::log(0.5f), std::log(0.1f),
                                     std::log(0.2f)};
  const TokenLogprob found = token_logprob(kernel::table(), logits, 2, 3);
  EXPECT_EQ(found.token, 2);
  EXPECT_NEAR(found.logprob, std::log(0.1), 1e-6);  // a few ulp of float
  ASSERT_EQ(found.top.size(), 3u);
  EXPECT_EQ(found.top[0].first, 1);
  EXPECT_EQ(found.top[1].first, 0) << "of equal ones the smaller token";
  EXPECT_EQ(found.top[2].first, 3);
  EXPECT_NEAR(found.top[0].second, std::log(0.5), 1e-6);
  EXPECT_EQ(token_logprob(kernel::table(), logits, 2, 20).top.size(), 4u);
  EXPECT_TRUE(token_logprob(kernel::table(), logits, 2, 0).top.empty());
}

}  // namespace
}  // namespace pomona::decode
