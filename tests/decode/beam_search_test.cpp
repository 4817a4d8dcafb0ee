// Beam search against transformers' on tiny random models, and what it shares with other answers.
#include <gtest/gtest.h>

#include <cmath>

#include "base/json.h"
#include "tests/decode/tiny_requests.h"
#include "tests/support/refused.h"
#include "text/tokenizer.h"

namespace pomona::decode {
namespace {

/// All answers, best first.
std::vector<Completion> search(const model::Model& model, const Context& context, Request request,
                               SchedulerOptions options = {}) {
  Scheduler scheduler(model, context, options);
  scheduler.submit(std::move(request));
  std::vector<Completion> answers;
  scheduler.run([&](std::int64_t, Completion done) { answers.push_back(std::move(done)); });
  for (std::size_t i = 0; i < answers.size(); ++i)
    EXPECT_EQ(answers[i].answer, static_cast<std::int64_t>(i));
  return answers;
}

Request request_of(const Json& one) {
  Request made = request(one.at("prompt"), one.at("max_new_tokens"));
  made.min_new_tokens = one.at("min_new_tokens");
  made.answers = one.at("answers");
  made.sampling.repetition_penalty = one.at("repetition_penalty");
  made.search = {one.at("beams"), one.at("length_penalty"),
                 parse_early_stopping(one.at("early_stopping").get<std::string>())};
  return made;
}

TEST(BeamSearch, AnswersAndScoresEqualTransformers) {
  const Json golden = read_json(golden::path_of("beams.json"));
  test::Engine engine(2);
  engine.context.compute = Compute::f32;
  int ended = 0, cases = 0;
  for (const Json& one : golden.at("cases")) {
    model::Model model =
        model::load_model(golden::path_of("families/" + one.at("model").get<std::string>()));
    model.end_tokens = one.at("end_tokens").get<std::vector<std::int32_t>>();
    const auto found = search(model, engine.context, request_of(one));
    ASSERT_EQ(found.size(), one.at("best").size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      const Json& best = one.at("best")[i];
      EXPECT_EQ(found[i].tokens, best.at("tokens").get<std::vector<std::int32_t>>()) << one;
      EXPECT_NEAR(found[i].score.value(), best.at("score").get<double>(),
                  1e-4 * std::abs(best.at("score").get<double>()))
          << one;
      ended += found[i].reason == StopReason::end;
    }
    ++cases;
  }
  EXPECT_GE(cases, 40);
  EXPECT_GE(ended, 20) << "some answers end by themselves";
}

Request wide(std::int64_t beams) {
  Request made = request(long_prompt(10), 40);
  made.search.beams = made.answers = beams;
  made.logprobs = 1;
  return made;
}

TEST(BeamSearch, SharesBlocksAndGivesThemBack) {
  Tiny tiny;
  ListeningLm& lm = tiny.listen();
  // 191 positions are 3 blocks, two of which the beams share: 2 + 4 of a pool of 6.
  const auto found = search(tiny.model, tiny.engine.context, wide(4), {.kv_blocks = 6});
  ASSERT_EQ(found.size(), 4u);
  EXPECT_EQ(lm.rows(), 151 + 4 * 39) << "the prompt is read once";
  const auto plenty = search(tiny.model, tiny.engine.context, wide(4));
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(found[i].tokens, plenty[i].tokens);
    double sum = 0;
    for (const TokenLogprob& one : found[i].logprobs) sum += one.logprob;
    EXPECT_EQ(found[i].logprobs.size(), found[i].tokens.size());
    EXPECT_NEAR(found[i].score.value(), sum / 40, 1e-5);  // f32 rows, summed in f64
  }
}

TEST(BeamSearch, CompanyAndThreadsChangeNothing) {
  Tiny one(1, Compute::fast), three(3, Compute::fast);
  const auto alone = search(one.model, one.engine.context, wide(3));
  Scheduler scheduler(three.model, three.engine.context, {.prefill_tokens = 40});
  for (std::int32_t i = 0; i < 4; ++i) scheduler.submit(request(long_prompt(30 + i), 50));
  const std::int64_t id = scheduler.submit(wide(3));
  scheduler.submit(wide(2));
  scheduler.run([&](std::int64_t done, const Completion& completion) {
    if (done != id) return;
    const Completion& expected = alone[static_cast<std::size_t>(completion.answer)];
    EXPECT_EQ(completion.tokens, expected.tokens);
    EXPECT_EQ(completion.score, expected.score);
  });
}

TEST(BeamSearch, StopTextsEndABeam) {
  Tiny tiny;
  Request stopping = wide(3);
  const auto whole = search(tiny.model, tiny.engine.context, stopping);
  stopping.stop = {whole[0].text.substr(3, 2)};
  std::string told;
  stopping.on_text = [&](std::string_view piece, std::int64_t answer) {
    if (answer == 0) told += piece;
  };
  const auto stopped = search(tiny.model, tiny.engine.context, stopping);
  EXPECT_EQ(told, stopped[0].text);
  for (const Completion& one : stopped) {
    EXPECT_EQ(one.text.find(stopping.stop[0]), std::string::npos);
    EXPECT_LE(one.tokens.size(), one.reason == StopReason::stop ? 39u : 40u);
  }
}

TEST(BeamSearch, CancellingTellsTheBestSoFar) {
  Tiny tiny;
  StopToken cancel;
  Request cancelled = wide(3);
  cancelled.cancel = &cancel;
  Scheduler scheduler(tiny.model, tiny.engine.context);
  scheduler.submit(cancelled);
  for (int i = 0; i < 5; ++i) scheduler.step();
  cancel.request();
  std::size_t told = 0;
  scheduler.run([&](std::int64_t, const Completion& one) {
    EXPECT_EQ(one.reason, StopReason::cancelled);
    EXPECT_EQ(one.tokens.size(), 5u);
    ++told;
  });
  EXPECT_EQ(told, 3u);
}

TEST(BeamSearch, RefusesWhatDoesNotFit) {
  Tiny tiny;
  Scheduler scheduler(tiny.model, tiny.engine.context, {.kv_blocks = 5});
  const auto refusal = [&](const Request& bad) {
    return test::refused([&] { scheduler.submit(bad); });
  };
  EXPECT_EQ(refusal(wide(4)), "exhausted: prompt: needs 6 blocks of KV cache, there are 5");
  Request bad = wide(3);
  bad.answers = 4;
  EXPECT_EQ(refusal(bad),
            "bad_argument: generate: 4 answers of 3 beams asked for; ask for more beams");
  bad = wide(3);
  bad.sampling.temperature = 0.5;
  EXPECT_EQ(refusal(bad),
            "bad_argument: beams 3: a beam search draws nothing; leave the temperature at 0");
  EXPECT_EQ(refusal(wide(257)), "bad_argument: beams 257: must be from 1 (no beam search) to 256");
  bad = wide(3);
  bad.search.length_penalty = std::nan("");
  EXPECT_EQ(refusal(bad), "bad_argument: length penalty nan: must be a number");
  EXPECT_EQ(test::refused([] { parse_early_stopping("maybe"); }),
            "bad_argument: early stopping \"maybe\": must be no, yes or never");
}

}  // namespace
}  // namespace pomona::decode
