// Answers of the tiny model: several to one prompt, seeds, penalties, stops, log probabilities.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "tests/decode/tiny_requests.h"
#include "text/tokenizer.h"

namespace pomona::decode {
namespace {

using golden::Golden;

Request warm_request(std::uint64_t seed) {
  Request warm = request(long_prompt(10), 24);
  warm.sampling = {.temperature = 0.9,
                   .top_k = 40,
                   .top_p = 0.9,
                   .min_p = 0.02,
                   .repetition_penalty = 1.1,
                   .presence_penalty = 0.3,
                   .frequency_penalty = 0.2,
                   .logit_bias = {{40, -3}},
                   .seed = seed};
  return warm;
}

TEST(Answers, SeedsRepeatAndCompanyDoesNotMatter) {
  const Golden golden("llama_tiny");
  Tiny tiny;
  Request warm = request(golden.integers("tokens.0"), 24);
  warm.sampling = {.temperature = 0.9,
                   .top_k = 40,
                   .top_p = 0.9,
                   .min_p = 0.02,
                   .repetition_penalty = 1.1,
                   .seed = 7};
  Request other = warm;
  other.sampling.seed = 8;
  const auto first = run_all(tiny, {warm}, {}), second = run_all(tiny, {other, warm}, {});
  EXPECT_EQ(first[0].tokens, second[1].tokens);
  EXPECT_NE(first[0].tokens, second[0].tokens);
}

TEST(Answers, SeveralToOnePromptReadItOnce) {
  Tiny tiny(1, Compute::fast);
  std::vector<Completion> alone;
  for (std::uint64_t seed = 7; seed < 12; ++seed)
    alone.push_back(run_all(tiny, {warm_request(seed)}).front());
  ListeningLm& lm = tiny.listen();
  Request several = warm_request(7);
  several.answers = 5;
  std::map<std::int64_t, std::string> streamed;
  several.on_text = [&](std::string_view piece, std::int64_t answer) { streamed[answer] += piece; };
  Scheduler scheduler(tiny.model, tiny.engine.context, {.max_sequences = 2, .prefill_tokens = 60});
  scheduler.submit(several);
  std::size_t ended = 0;
  scheduler.run([&](std::int64_t id, const Completion& one) {
    EXPECT_EQ(id, 0);
    EXPECT_EQ(one.tokens, alone[static_cast<std::size_t>(one.answer)].tokens) << one.answer;
    EXPECT_EQ(one.text, streamed[one.answer]);
    ++ended;
  });
  EXPECT_EQ(ended, 5u);
  EXPECT_NE(alone[0].tokens, alone[1].tokens);
  EXPECT_EQ(lm.rows(), 151 + 5 * 23);
}

TEST(Answers, SeveralShareASmallPoolWithOthers) {
  Tiny tiny;
  Request several = warm_request(3);
  several.answers = 3;
  const auto plenty = run_all(tiny, {warm_request(9), several});
  // 175 positions are 3 blocks, two of which the answers share: 5 in all, and 3 for the other.
  const auto scarce = run_all(tiny, {warm_request(9), several}, {.kv_blocks = 5});
  EXPECT_EQ(plenty[0].tokens, scarce[0].tokens);
  EXPECT_EQ(plenty[1].tokens, scarce[1].tokens);
}

TEST(Answers, CancellingEndsAllOfThem) {
  Tiny tiny;
  StopToken cancel;
  Request several = warm_request(3);
  several.answers = 3;
  several.cancel = &cancel;
  Scheduler scheduler(tiny.model, tiny.engine.context);
  scheduler.submit(several);
  for (int i = 0; i < 4; ++i) scheduler.step();
  cancel.request();
  int cancelled = 0;
  scheduler.run([&](std::int64_t, const Completion& one) {
    EXPECT_EQ(one.reason, StopReason::cancelled);
    EXPECT_EQ(one.tokens.size(), 4u);
    ++cancelled;
  });
  EXPECT_EQ(cancelled, 3);
}

TEST(Answers, StopTextsEndTheAnswerBeforeThem) {
  const Golden golden("llama_tiny");
  Tiny tiny;
  const auto whole = run_all(tiny, {request(golden.integers("tokens.0"), 32)}, {});
  const std::string& text = whole[0].text;
  ASSERT_GT(text.size(), 6u);
  std::string streamed;
  Request stopping = request(golden.integers("tokens.0"), 32);
  stopping.stop = {"never there", text.substr(4, 2)};
  stopping.on_text = [&](std::string_view piece, std::int64_t) { streamed += piece; };
  const auto stopped = run_all(tiny, {stopping}, {});
  EXPECT_EQ(stopped[0].text, text.substr(0, text.find(text.substr(4, 2))));
  EXPECT_EQ(streamed, stopped[0].text);
  EXPECT_EQ(stopped[0].reason, StopReason::stop);
}

TEST(Answers, TheFirstOfSeveralStopTextsEnds) {
  const Golden golden("llama_tiny");
  Tiny tiny;
  const std::string text = run_all(tiny, {request(golden.integers("tokens.0"), 32)})[0].text;
  Request stopping = request(golden.integers("tokens.0"), 32);
  stopping.stop = {text.substr(9, 2), "", text.substr(5, 3), "never there"};
  const Completion stopped = run_all(tiny, {stopping})[0];
  EXPECT_EQ(stopped.text,
            text.substr(0, std::min(text.find(stopping.stop[0]), text.find(stopping.stop[2]))));
}

TEST(Answers, NothingEndsBeforeTheFewestTokens) {
  const Golden golden("llama_tiny");
  Tiny tiny;
  const std::vector<std::int32_t> greedy = golden.integers("greedy.0");
  tiny.model.end_tokens = {greedy[3], greedy[7]};
  Request least = request(golden.integers("tokens.0"), 32);
  EXPECT_EQ(run_all(tiny, {least})[0].tokens.size(), 3u);
  EXPECT_EQ(run_all(tiny, {least})[0].reason, StopReason::end);
  least.min_new_tokens = 6;
  const Completion longer = run_all(tiny, {least})[0];
  EXPECT_GE(longer.tokens.size(), 6u);
  EXPECT_EQ(std::ranges::count(longer.tokens, greedy[3]), 0);

  tiny.model.end_tokens.clear();
  const std::string text = run_all(tiny, {request(least.prompt, 32)})[0].text;
  least.stop = {text.substr(0, 1)};
  EXPECT_GT(run_all(tiny, {least})[0].text.size(), 1u) << "a stop text in the first tokens is text";
}

TEST(Answers, BiasForbidsAndForces) {
  const Golden golden("llama_tiny");
  Tiny tiny;
  Request biased = request(golden.integers("tokens.0"), 8);
  biased.sampling.logit_bias = {{77, 100}};
  EXPECT_EQ(run_all(tiny, {biased})[0].tokens, std::vector<std::int32_t>(8, 77));
  biased.sampling.logit_bias = {{golden.integers("greedy.0")[0], -100}};
  EXPECT_EQ(std::ranges::count(run_all(tiny, {biased})[0].tokens, golden.integers("greedy.0")[0]),
            0);
}

TEST(Answers, LogprobsAreTheModelsOwn) {
  const Golden golden("llama_tiny");
  Tiny tiny;
  Request telling = request(golden.integers("tokens.0"), 6);
  telling.logprobs = 3;
  const Completion plain = run_all(tiny, {telling})[0];
  ASSERT_EQ(plain.logprobs.size(), 6u);
  for (std::size_t i = 0; i < 6; ++i) {
    const TokenLogprob& one = plain.logprobs[i];
    EXPECT_EQ(one.token, plain.tokens[i]);
    ASSERT_EQ(one.top.size(), 3u);
    EXPECT_EQ(one.top[0], std::pair(one.token, one.logprob)) << "greedy takes the likeliest";
    EXPECT_LT(one.logprob, 0);
    EXPECT_GT(one.top[1].second, one.top[2].second);
  }
  telling.sampling.logit_bias = {{plain.tokens[0], -100}};
  const Completion biased = run_all(tiny, {telling})[0];
  EXPECT_EQ(biased.logprobs[0].top, plain.logprobs[0].top) << "before the bias";
  EXPECT_EQ(std::pair(biased.tokens[0], biased.logprobs[0].logprob), plain.logprobs[0].top[1]);
}

TEST(Answers, AFullContextIsTold) {
  Tiny tiny;
  tiny.listen().sizes.context = 20;
  const std::vector<std::int32_t> prompt(12, 5);
  EXPECT_FALSE(run_all(tiny, {request(prompt, 7)})[0].context_full);
  const Completion full = run_all(tiny, {request(prompt, 8)})[0];
  EXPECT_TRUE(full.context_full);
  EXPECT_EQ(full.reason, StopReason::length);
}

}  // namespace
}  // namespace pomona::decode
