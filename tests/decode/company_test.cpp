// The same seed gives the same text: every way to answer, alone on one thread and in any company on
// several, with little room and much.
#include <gtest/gtest.h>

#include <map>

#include "base/error.h"
#include "tests/decode/tiny_requests.h"

namespace pomona::decode {
namespace {

/// One request of every kind; prompts share nothing, a part of a block, or blocks.
std::vector<Request> every_kind() {
  std::vector<Request> all;
  const auto add = [&](std::vector<std::int32_t> prompt, std::int64_t tokens) -> Request& {
    return all.emplace_back(request(std::move(prompt), tokens));
  };
  add(long_prompt(10), 30);
  Request& drawn = add(long_prompt(11), 40);
  drawn.sampling = {.temperature = 1.1, .top_k = 30, .top_p = 0.95, .min_p = 0.01, .seed = 5};
  Request& penalised = add({3, 10, 17, 24, 31, 38, 45, 52, 59, 66, 73, 7, 8}, 70);
  penalised.sampling = {.temperature = 0.8,
                        .repetition_penalty = 1.2,
                        .presence_penalty = 0.5,
                        .frequency_penalty = 0.3,
                        .logit_bias = {{40, 4}, {41, -100}},
                        .seed = 6};
  penalised.min_new_tokens = 20;
  penalised.stop = {"e", "qz"};
  Request& several = add(long_prompt(10), 25);
  several.sampling = {.temperature = 1, .seed = 7};
  several.answers = 3;
  several.logprobs = 2;
  Request& beams = add(long_prompt(12), 20);
  beams.search = {.beams = 4, .length_penalty = 0.7};
  beams.answers = 2;
  add({9, 9, 9}, 100).sampling = {.temperature = 2, .seed = 8};
  return all;
}

/// Of each answer of each request: everything that is not a time.
using Told = std::map<std::pair<std::int64_t, std::int64_t>, std::string>;

std::string told(const Completion& one) {
  std::string text = one.text + fmt::format("|{}|", name_of(one.reason));
  for (const std::int32_t token : one.tokens) text += fmt::format("{},", token);
  for (const TokenLogprob& logprob : one.logprobs)
    text += fmt::format("{} {};", logprob.logprob, logprob.top.front().second);
  return text + fmt::format("|{}", one.score.value_or(0));
}

Told together(int threads, const std::vector<Request>& requests, const SchedulerOptions& options) {
  Tiny tiny(threads, Compute::fast);
  tiny.model.end_tokens = {2};
  Scheduler scheduler(tiny.model, tiny.engine.context, options);
  for (const Request& one : requests) scheduler.submit(one);
  Told found;
  scheduler.run(
      [&](std::int64_t id, const Completion& one) { found[{id, one.answer}] = told(one); });
  return found;
}

TEST(Company, ThreadsBatchesAndRoomChangeNoAnswer) {
  const std::vector<Request> requests = every_kind();
  for (const kernel::KvKind kind :
       {kernel::KvKind::f32, kernel::KvKind::bf16, kernel::KvKind::q8}) {
    Told alone;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      for (auto& [key, text] : together(1, {requests[i]}, {.kv_kind = kind}))
        alone[{static_cast<std::int64_t>(i), key.second}] = text;
    }
    EXPECT_EQ(alone.size(), 9u);
    const SchedulerOptions wide{.kv_kind = kind};
    const SchedulerOptions narrow{
        .max_sequences = 3, .prefill_tokens = 37, .kv_blocks = 9, .kv_kind = kind};
    EXPECT_EQ(together(2, requests, wide), alone);
    EXPECT_EQ(together(3, requests, narrow), alone);
    std::vector<Request> backwards(requests.rbegin(), requests.rend());
    const Told turned = together(2, backwards, narrow);
    for (const auto& [key, text] : turned) {
      const auto original = static_cast<std::int64_t>(requests.size()) - 1 - key.first;
      EXPECT_EQ(text, alone.at({original, key.second}));
    }
  }
}

TEST(Company, KindsOfCacheAreNearEachOther) {
  // Not equal, or the kind would not be used; near, or it would be of no use.
  std::vector<Completion> found;
  for (const kernel::KvKind kind :
       {kernel::KvKind::f32, kernel::KvKind::bf16, kernel::KvKind::q8}) {
    Tiny tiny(1, Compute::f32);
    Request telling = request(long_prompt(10), 1);
    telling.logprobs = 20;
    found.push_back(run_all(tiny, {telling}, {.kv_kind = kind}).front());
  }
  for (const std::size_t coarse : {1U, 2U}) {
    EXPECT_NE(found[coarse].logprobs[0].logprob, found[0].logprobs[0].logprob);
    EXPECT_NEAR(found[coarse].logprobs[0].logprob, found[0].logprobs[0].logprob, 0.05);
  }
}

}  // namespace
}  // namespace pomona::decode
