// The scheduler on the tiny model: golden tokens in every company, shared prefixes, stops, limits,
// cancellation.
#include "decode/scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "store/gguf.h"
#include "store/gguf_tokenizer.h"
#include "tests/decode/tiny_requests.h"
#include "tests/support/refused.h"
#include "text/tokenizer.h"

namespace pomona::decode {
namespace {

using golden::Golden;
using test::refused;

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

TEST(Scheduler, SharedPrefixesSaveWorkAndChangeNothing) {
  Tiny tiny(1, Compute::fast);
  std::vector<Request> requests;
  for (std::int32_t i = 0; i < 5; ++i) requests.push_back(request(long_prompt(10 + i), 6));
  const auto together = run_all(tiny, requests, {});
  EXPECT_EQ(together[0].shared_tokens, 0);
  for (std::size_t i = 1; i < 5; ++i) {
    EXPECT_EQ(together[i].shared_tokens, 150) << "two full blocks of 64 and part of one";
    const auto alone = run_all(tiny, {requests[i]}, {});
    EXPECT_EQ(together[i].tokens, alone[0].tokens);
  }
}

TEST(Scheduler, ASharedPrefixIsComputedOnce) {
  Tiny tiny;
  ListeningLm& lm = tiny.listen();
  std::vector<Request> requests;
  for (std::int32_t i = 0; i < 30; ++i) requests.push_back(request(long_prompt(10 + i), 1));
  for (const Completion& one : run_all(tiny, requests, {.max_sequences = 8, .prefill_tokens = 100}))
    EXPECT_EQ(one.tokens.size(), 1u);
  EXPECT_EQ(lm.rows(), 150 + 30);
}

TEST(Scheduler, DecodesFirstAndReadsPromptsByTheTokenBudget) {
  Tiny tiny;
  ListeningLm& lm = tiny.listen();
  std::vector<Request> requests = {request({5, 6, 7}, 12)};
  for (std::int32_t i = 0; i < 3; ++i) {
    requests.push_back(request({}, 4));
    for (std::int32_t t = 0; t < 50; ++t) requests.back().prompt.push_back(20 * i + t % 17);
  }
  run_all(tiny, requests, {.max_sequences = 4, .prefill_tokens = 20});
  ASSERT_GE(lm.passes.size(), 12u);
  for (std::size_t i = 0; i < 12; ++i) {
    std::int64_t prompts = 0;
    for (const std::int64_t rows : lm.passes[i]) prompts += rows > 1 ? rows : 0;
    EXPECT_LE(prompts, 20) << "pass " << i;
    EXPECT_EQ(lm.passes[i].front(), i == 0 ? 3 : 1) << "the first request goes on in every pass";
  }
  EXPECT_EQ(lm.passes[1], (std::vector<std::int64_t>{1, 20}));
}

TEST(Scheduler, RequestsComeAndGoWhileOthersRun) {
  const Golden golden("llama_tiny");
  Tiny tiny;
  Scheduler scheduler(tiny.model, tiny.engine.context);
  scheduler.submit(request(golden.integers("tokens.0"), 32));
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(scheduler.step());
  const std::int64_t late = scheduler.submit(request(golden.integers("tokens.1"), 5));
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(scheduler.step());
  const auto finished = scheduler.take_finished();
  ASSERT_EQ(finished.size(), 1u);
  EXPECT_EQ(finished[0].first, late);
  const auto expected = golden.integers("greedy.1");
  EXPECT_EQ(finished[0].second.tokens, std::vector(expected.begin(), expected.begin() + 5));
}

TEST(Scheduler, TellsHowMuchOfAPromptIsRead) {
  Tiny tiny;
  Request telling = request(long_prompt(10), 3);
  std::vector<std::int64_t> told;
  telling.on_prompt = [&](std::int64_t read) { told.push_back(read); };
  run_all(tiny, {telling}, {.prefill_tokens = 60});
  EXPECT_EQ(told, (std::vector<std::int64_t>{60, 120, 151}));
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

TEST(Scheduler, RefusesWhatCannotWork) {
  Tiny tiny;
  Scheduler scheduler(tiny.model, tiny.engine.context);
  const auto refusal = [&](Request bad) {
    return refused([&] { scheduler.submit(std::move(bad)); });
  };
  EXPECT_EQ(refusal(request({}, 4)), "bad_argument: prompt: it has no tokens; give it some text");
  EXPECT_EQ(refusal(request({5}, 0)),
            "bad_argument: generate: 0 new tokens asked for, at least 1 needed");
  EXPECT_EQ(refusal(request({5, 100000}, 4)),
            "bad_argument: prompt: token 100000, the vocabulary has 283");
  Request bad = request({5}, 4);
  bad.min_new_tokens = 5;
  EXPECT_EQ(refusal(bad), "bad_argument: generate: at least 5 new tokens asked for, at most 4");
  bad = request({5}, 4);
  bad.logprobs = 21;
  EXPECT_EQ(refusal(bad), "bad_argument: logprobs 21: must be from 0 to 20");
  bad = request({5}, 4);
  bad.answers = 0;
  EXPECT_EQ(refusal(bad), "bad_argument: generate: 0 answers asked for, at least 1 needed");
  bad = request({5}, 4);
  bad.sampling.logit_bias = {{283, 1}};
  EXPECT_EQ(refusal(bad), "bad_argument: logit_bias: token 283, the vocabulary has 283");
  EXPECT_EQ(refusal(request(std::vector<std::int32_t>(600, 5), 4)),
            "bad_argument: prompt: its 600 tokens do not fit the model's context of 512, which the "
            "answer needs a part of as well; shorten it by 89 at least");
  const std::int64_t context = tiny.model.lm->shape().context;
  const std::string most = std::to_string(context);
  EXPECT_TRUE(refusal(request({5}, context))
                  .starts_with("bad_argument: prompt: its 1 tokens and " + most +
                               " new ones are 1 more than the model's context of " + most));
}

TEST(Scheduler, AnAbsurdNumberOfNewTokensIsTooMany) {
  Tiny tiny;
  Scheduler scheduler(tiny.model, tiny.engine.context);
  EXPECT_EQ(
      refused([&] { scheduler.submit(request({5}, std::numeric_limits<std::int64_t>::max())); }),
      "bad_argument: prompt: its 1 tokens and 9223372036854775807 new ones are "
      "9223372036854775296 more than the model's context of 512; shorten the prompt or ask "
      "for fewer");
}

TEST(Scheduler, AfterAnErrorItStartsAfresh) {
  const Golden golden("llama_tiny");
  for (const int failing_pass : {1, 2, 3}) {
    Tiny tiny;
    int passes = 0;
    const Probe probe = [&](std::string_view name, const Tensor&) {
      if (name == "layers.0" && ++passes == failing_pass) fail(ErrorKind::exhausted, "no more");
    };
    tiny.engine.context.probe = &probe;
    Scheduler scheduler(tiny.model, tiny.engine.context, {.max_sequences = 1});
    scheduler.submit(request(golden.integers("tokens.1"), 32));
    scheduler.submit(request(golden.integers("tokens.1"), 32));
    const auto nobody = [](std::int64_t, const Completion&) { FAIL(); };
    EXPECT_EQ(refused([&] { scheduler.run(nobody); }), "exhausted: no more");
    scheduler.run(nobody);
    const std::int64_t id = scheduler.submit(request(golden.integers("tokens.0"), 32));
    scheduler.run([&](std::int64_t done, const Completion& completion) {
      EXPECT_EQ(done, id);
      EXPECT_EQ(completion.tokens, golden.integers("greedy.0"));
    });
    EXPECT_GE(passes, failing_pass + 32);
  }
}

TEST(Scheduler, AReaderThatFailsEndsTheRun) {
  const Golden golden("llama_tiny");
  Tiny tiny;
  Scheduler scheduler(tiny.model, tiny.engine.context);
  Request failing = request(golden.integers("tokens.0"), 32);
  failing.on_text = [](std::string_view, std::int64_t) { fail(ErrorKind::io, "no more paper"); };
  scheduler.submit(failing);
  const auto nobody = [](std::int64_t, const Completion&) { FAIL(); };
  EXPECT_EQ(refused([&] { scheduler.run(nobody); }), "io: no more paper");
  EXPECT_FALSE(scheduler.step());
}

/// The tiny model with a tokeniser that has fewer tokens than the embedding has rows.
void cut_vocabulary(model::Model& model, std::size_t tokens, std::size_t merges) {
  const store::GgufFile file(model.path);
  text::BpeSpec spec = store::bpe_spec(file.metadata());
  spec.tokens.resize(tokens);
  spec.kinds.resize(tokens);
  spec.merges.resize(merges);
  model.tokenizer = text::make_tokenizer(spec);
}

TEST(Scheduler, RowsOfTheEmbeddingWithoutATokenAreNeverChosen) {
  Tiny tiny;
  const auto highest = [&] {
    const auto found = run_all(tiny, {request({101, 121, 266}, 32)}, {});
    EXPECT_EQ(found[0].tokens.size(), 32u);
    return std::ranges::max(found[0].tokens);
  };
  EXPECT_GE(highest(), 270);
  cut_vocabulary(tiny.model, 270, 11);
  EXPECT_LT(highest(), 270);
}

TEST(Scheduler, ALargerRequestKeepsTheConversation) {
  Tiny tiny;
  tiny.listen().sizes.context = 1 << 20;  // as if it had been made for long texts
  Scheduler scheduler(tiny.model, tiny.engine.context, {.max_sequences = 1});
  for (const std::int64_t room : {100, 9000, 20000, 90000}) {
    StopToken enough;
    Request turn = request(long_prompt(10), room);
    turn.cancel = &enough;
    turn.on_text = [&](std::string_view, std::int64_t) { enough.request(); };
    scheduler.submit(turn);
    scheduler.run([&](std::int64_t id, const Completion& completion) {
      EXPECT_EQ(completion.shared_tokens, id == 0 ? 0 : 150) << room;
    });
  }
}

TEST(Scheduler, CancellingOneRequestKeepsTheOthers) {
  const Golden golden("llama_tiny");
  Tiny tiny;
  StopToken cancel;
  Request leaving = request(golden.integers("tokens.0"), 32);
  leaving.cancel = &cancel;
  leaving.on_text = [&](std::string_view, std::int64_t) { cancel.request(); };
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

TEST(Scheduler, DamagedWeightsAreTold) {
  Tiny tiny;
  tiny.model.lm->each_parameter([&](const std::string& name, Parameter& parameter) {
    if (name == "model.norm.weight") {
      const Tensor values = Tensor::zeros(parameter.value.shape(), DType::f32);
      values.data<float>()[0] = std::nanf("");
      parameter = Parameter(values);
    }
  });
  EXPECT_EQ(test::refused([&] { run_all(tiny, {request({3, 4}, 2)}); }),
            "bad_file: generate: the predictions of " + tiny.model.path.string() +
                " are no numbers: its weights are damaged");
}

}  // namespace
}  // namespace pomona::decode
