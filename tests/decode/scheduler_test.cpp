// The scheduler on the tiny model: golden tokens in every company, shared prefixes, stops, limits,
// cancellation.
#include "decode/scheduler.h"

#include <gtest/gtest.h>

#include "decode/prefix_cache.h"
#include "tests/support/engine.h"
#include "tests/support/golden.h"
#include "text/tokenizer.h"

namespace pomona::decode {
namespace {

using golden::Golden;
using testing_support::Engine;

struct Tiny {
  explicit Tiny(int threads = 1, Compute compute = Compute::f32)
      : engine(threads), model(model::load_model(golden::path_of("llama_tiny.gguf"))) {
    engine.context.compute = compute;
    model.end_tokens.clear();  // the golden answers run over end tokens
  }
  Engine engine;
  model::Model model;
};

Request request(std::vector<std::int32_t> prompt, std::int64_t tokens) {
  Request made;
  made.prompt = std::move(prompt);
  made.max_new_tokens = tokens;
  return made;
}

std::vector<Completion> run_all(Tiny& tiny, std::vector<Request> requests,
                                SchedulerOptions options) {
  Scheduler scheduler(tiny.model, tiny.engine.context, options);
  std::vector<Completion> completions(requests.size());
  for (Request& one : requests) scheduler.submit(std::move(one));
  scheduler.run([&](std::int64_t id, Completion done) {
    completions[static_cast<std::size_t>(id)] = std::move(done);
  });
  return completions;
}

TEST(Scheduler, GoldenTokensInEveryCompany) {
  const Golden golden("llama_tiny");
  for (const int threads : {1, 2}) {
    for (const std::int64_t together : {1, 2, 16}) {
      for (const std::int64_t prefill : {3, 512}) {
        Tiny tiny(threads);
        const auto found = run_all(
            tiny,
            {request(golden.integers("tokens.0"), 32), request(golden.integers("tokens.1"), 32)},
            {together, prefill, 0});
        EXPECT_EQ(found[0].tokens, golden.integers("greedy.0"));
        EXPECT_EQ(found[1].tokens, golden.integers("greedy.1"));
        EXPECT_EQ(found[0].reason, StopReason::length);
      }
    }
  }
}

std::vector<std::int32_t> long_prompt(std::int32_t last) {
  std::vector<std::int32_t> tokens;
  for (std::int32_t i = 0; i < 150; ++i) tokens.push_back(3 + i * 7 % 250);
  tokens.push_back(last);
  return tokens;
}

TEST(Scheduler, SharedPrefixesSaveWorkAndChangeNothing) {
  Tiny tiny(1, Compute::fast);
  std::vector<Request> requests;
  for (std::int32_t i = 0; i < 5; ++i) requests.push_back(request(long_prompt(10 + i), 6));
  const auto together = run_all(tiny, requests, {});
  EXPECT_EQ(together[0].shared_tokens, 0);
  for (std::size_t i = 1; i < 5; ++i) {
    EXPECT_EQ(together[i].shared_tokens, 128) << "two full blocks of 64";
    const auto alone = run_all(tiny, {requests[i]}, {});
    EXPECT_EQ(together[i].tokens, alone[0].tokens);
  }
}

TEST(Scheduler, AFullPoolMakesRequestsWaitNotFail) {
  Tiny tiny;
  std::vector<Request> requests;
  for (std::int32_t i = 0; i < 4; ++i) requests.push_back(request(long_prompt(10 + i), 40));
  const auto plenty = run_all(tiny, requests, {});
  const auto scarce =
      run_all(tiny, requests, {.max_sequences = 4, .prefill_tokens = 64, .kv_blocks = 4});
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(plenty[i].tokens, scarce[i].tokens);
}

TEST(Scheduler, StopTextsEndTheAnswerBeforeThem) {
  const Golden golden("llama_tiny");
  Tiny tiny;
  const auto whole = run_all(tiny, {request(golden.integers("tokens.0"), 32)}, {});
  const std::string& text = whole[0].text;
  ASSERT_GT(text.size(), 6u);
  std::string streamed;
  Request stopping = request(golden.integers("tokens.0"), 32);
  stopping.stop = {"never there", text.substr(4, 2)};
  stopping.on_text = [&](std::string_view piece) { streamed += piece; };
  const auto stopped = run_all(tiny, {stopping}, {});
  EXPECT_EQ(stopped[0].text, text.substr(0, text.find(text.substr(4, 2))));
  EXPECT_EQ(streamed, stopped[0].text);
  EXPECT_EQ(stopped[0].reason, StopReason::stop);
}

TEST(Scheduler, RefusesWhatCannotWork) {
  Tiny tiny;
  Scheduler scheduler(tiny.model, tiny.engine.context);
  const auto message = [&](Request bad) -> std::string {
    try {
      scheduler.submit(std::move(bad));
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::bad_argument);
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(message(request({}, 4)), "prompt: it has no tokens; give it some text");
  EXPECT_EQ(message(request({5}, 0)), "generate: 0 new tokens asked for, at least 1 needed");
  EXPECT_EQ(message(request({5, 100000}, 4)), "prompt: token 100000, the vocabulary has 283");
  const std::int64_t context = tiny.model.lm->shape().context;
  EXPECT_NE(message(request({5}, context))
                .find("1 more than the model's context of " + std::to_string(context)),
            std::string::npos);
}

TEST(Scheduler, CancellingOneRequestKeepsTheOthers) {
  const Golden golden("llama_tiny");
  Tiny tiny;
  StopToken cancel;
  Request leaving = request(golden.integers("tokens.0"), 32);
  leaving.cancel = &cancel;
  leaving.on_text = [&](std::string_view) { cancel.request(); };
  const auto found = run_all(tiny, {leaving, request(golden.integers("tokens.1"), 32)}, {});
  EXPECT_EQ(found[0].reason, StopReason::cancelled);
  EXPECT_LT(found[0].tokens.size(), 32u);
  EXPECT_EQ(found[1].tokens, golden.integers("greedy.1"));
}

TEST(ChatPrompt, RendersTheModelsTemplate) {
  const model::Model model = model::load_model(golden::path_of("llama_tiny.gguf"));
  const auto prompt = model.chat_prompt({{"system", "Be brief."}, {"user", "a pear"}});
  EXPECT_EQ(model.tokenizer->decode(prompt, true),
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\na "
            "pear<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(model.tokenizer->kind(prompt[0]), text::TokenKind::control);
}

TEST(Sampling, SeedsRepeatAndCompanyDoesNotMatter) {
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

TEST(Sampling, DrawsFollowTheFilteredDistribution) {
  const kernel::Table& kernels = kernel::table();
  const auto share = [&](SamplingOptions options, std::int32_t token) {
    int hits = 0;
    for (std::uint64_t i = 0; i < 4000; ++i) {
      std::vector<float> logits = {std::log(0.5f), std::log(0.3f), std::log(0.15f),
                                   std::log(0.05f)};
      hits += sample(kernels, options, logits, {}, i) == token;
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

TEST(Sampling, PenaltyLowersWhatWasSeen) {
  std::vector<float> logits = {2.0f, 1.9f, -1.0f};
  const std::int32_t seen[] = {0, 2, 2};
  EXPECT_EQ(sample(kernel::table(), {.repetition_penalty = 1.3}, logits, seen, 0), 1);
  EXPECT_FLOAT_EQ(logits[0], 2.0f / 1.3f);
  EXPECT_FLOAT_EQ(logits[2], -1.3f);
}

}  // namespace
}  // namespace pomona::decode
