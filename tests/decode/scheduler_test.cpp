// The scheduler on the tiny model: golden tokens in every company, shared prefixes, stops, limits,
// cancellation.
#include "decode/scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "decode/prefix_cache.h"
#include "store/gguf.h"
#include "store/gguf_tokenizer.h"
#include "tests/support/engine.h"
#include "tests/support/golden.h"
#include "tests/support/refused.h"
#include "text/tokenizer.h"

namespace pomona::decode {
namespace {

using golden::Golden;
using test::Engine;
using test::refused;

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
  const auto refusal = [&](Request bad) {
    return refused([&] { scheduler.submit(std::move(bad)); });
  };
  EXPECT_EQ(refusal(request({}, 4)), "bad_argument: prompt: it has no tokens; give it some text");
  EXPECT_EQ(refusal(request({5}, 0)),
            "bad_argument: generate: 0 new tokens asked for, at least 1 needed");
  EXPECT_EQ(refusal(request({5, 100000}, 4)),
            "bad_argument: prompt: token 100000, the vocabulary has 283");
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
  failing.on_text = [](std::string_view) { fail(ErrorKind::io, "no more paper"); };
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

/// The tiny model as if it had been made for long texts.
class LongContext final : public model::CausalLm {
 public:
  explicit LongContext(std::unique_ptr<model::CausalLm> lm) : lm_(std::move(lm)) {
    shape_ = lm_->shape();
    shape_.context = 1 << 20;
  }
  const model::LmShape& shape() const override { return shape_; }
  Tensor forward(const nn::Batch& batch, const Context& context) const override {
    return lm_->forward(batch, context);
  }
  void each_parameter(const std::function<void(const std::string&, Parameter&)>& f) override {
    lm_->each_parameter(f);
  }

 private:
  std::unique_ptr<model::CausalLm> lm_;
  model::LmShape shape_;
};

TEST(Scheduler, ALargerRequestKeepsTheConversation) {
  Tiny tiny;
  tiny.model.lm = std::make_unique<LongContext>(std::move(tiny.model.lm));
  Scheduler scheduler(tiny.model, tiny.engine.context, {.max_sequences = 1});
  for (const std::int64_t room : {100, 9000, 20000, 90000}) {
    StopToken enough;
    Request turn = request(long_prompt(10), room);
    turn.cancel = &enough;
    turn.on_text = [&](std::string_view) { enough.request(); };
    scheduler.submit(turn);
    scheduler.run([&](std::int64_t id, const Completion& completion) {
      EXPECT_EQ(completion.shared_tokens, id == 0 ? 0 : 128) << room;
    });
  }
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

TEST(Sampling, TinyTemperaturesAreGreedy) {
  for (const double temperature : {1e-6, 1e-7, 1e-40, 1e-300}) {
    for (std::uint64_t i = 0; i < 20; ++i) {
      std::vector<float> logits = {1.0f, 1.5f, -2.0f};
      EXPECT_EQ(sample(kernel::table(), {.temperature = temperature}, logits, {}, i), 1)
          << temperature;
    }
  }
}

TEST(Sampling, PenaltiesThatLeaveNoNumbersAreRefused) {
  EXPECT_EQ(refused([] { SamplingOptions{.repetition_penalty = 1e-300}.check(); }),
            "bad_argument: repetition_penalty 1e-300: must be from 0.01 to 100; 1 is none");
  EXPECT_EQ(refused([] { SamplingOptions{.repetition_penalty = 0.01}.check(); }), "nothing");
}

}  // namespace
}  // namespace pomona::decode
