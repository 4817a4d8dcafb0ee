// A model with virtual tokens behind everything that reads texts with it: they stand in front of
// each, and nobody counts them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "decode/scheduler.h"
#include "eval/answer_perplexity.h"
#include "eval/perplexity.h"
#include "eval/speed.h"
#include "model/adapter.h"
#include "tests/model/adapter_support.h"
#include "text/tokenizer.h"

namespace pomona::decode {
namespace {

using model::adapter_path;
using model::Model;

class VirtualTokens : public ::testing::TestWithParam<std::string> {
 protected:
  VirtualTokens() : model(model::tiny_model("llama")), engine(2) {
    model::attach(model, model::read_adapter(adapter_path(GetParam())));
    model.end_tokens.clear();
    engine.context.compute = Compute::f32;
  }

  std::vector<Completion> run(std::vector<Request> requests, SchedulerOptions options = {}) {
    Scheduler scheduler(model, engine.context, options);
    std::vector<Completion> completions(requests.size());
    for (Request& one : requests) scheduler.submit(std::move(one));
    scheduler.run([&](std::int64_t id, Completion done) {
      completions[static_cast<std::size_t>(id)] = std::move(done);
    });
    return completions;
  }

  static Request request(std::vector<std::int32_t> prompt, std::int64_t tokens) {
    Request made;
    made.prompt = std::move(prompt);
    made.max_new_tokens = tokens;
    return made;
  }

  /// Greedy tokens by whole forward passes, without cache and scheduler; those of the prompt and
  /// the answer count a little less.
  std::vector<std::int32_t> greedy(std::vector<std::int32_t> tokens, int count,
                                   double repetition_penalty = 1) const {
    std::vector<std::int32_t> answer;
    const std::size_t V = model.tokenizer->vocabulary_size();
    while (count-- > 0) {
      const std::vector<float> logits = logits_of(model, tokens);
      const std::size_t width = logits.size() / tokens.size();
      std::vector<float> last(logits.end() - static_cast<std::ptrdiff_t>(width), logits.end());
      last.resize(V);
      const std::set<std::int32_t> seen(tokens.begin(), tokens.end());
      for (const std::int32_t token : seen) {
        float& logit = last[static_cast<std::size_t>(token)];
        const auto factor = static_cast<float>(repetition_penalty);
        logit = logit > 0 ? logit / factor : logit * factor;
      }
      answer.push_back(
          static_cast<std::int32_t>(std::max_element(last.begin(), last.end()) - last.begin()));
      tokens.push_back(answer.back());
    }
    return answer;
  }

  Model model;
  test::Engine engine;
};

TEST_P(VirtualTokens, StandInFrontOfEveryPrompt) {
  const std::vector<std::int32_t> a = {5, 17, 99, 3, 41}, b = {5, 17, 8};
  const std::vector<Completion> done = run({request(a, 12), request(b, 12)});
  EXPECT_EQ(done[0].tokens, greedy(a, 12));
  EXPECT_EQ(done[1].tokens, greedy(b, 12));
  EXPECT_EQ(done[0].prompt_tokens, 5);
  EXPECT_EQ(done[1].prompt_tokens, 3);
}

TEST_P(VirtualTokens, AreSharedLikeAPrefixAndNotCounted) {
  Scheduler scheduler(model, engine.context);
  const std::vector<std::int32_t> prompt = {5, 17, 99, 3, 41};
  std::vector<Completion> done;
  std::vector<std::int64_t> read;
  for (int i = 0; i < 2; ++i) {
    Request one = request(prompt, 4);
    one.on_prompt = [&](std::int64_t tokens) { read.push_back(tokens); };
    scheduler.submit(std::move(one));
    scheduler.run([&](std::int64_t, Completion completion) { done.push_back(completion); });
  }
  EXPECT_EQ(done[0].shared_tokens, 0);
  EXPECT_EQ(done[1].shared_tokens, 4);  // all but the last, which somebody must compute
  EXPECT_EQ(done[0].tokens, done[1].tokens);
  EXPECT_EQ(read, (std::vector<std::int64_t>{5, 5}));
}

TEST_P(VirtualTokens, HaveNoLogitsToPenalise) {
  Request penalised = request({5, 17, 99, 3, 41}, 12);
  penalised.sampling.repetition_penalty = 1.3;
  EXPECT_EQ(run({penalised})[0].tokens, greedy(penalised.prompt, 12, 1.3));
}

TEST_P(VirtualTokens, LeaveTheRestOfTheContext) {
  const std::int64_t context = model.lm->shape().context;
  EXPECT_EQ(context, 512 - 4);
  const Request fits = request(std::vector<std::int32_t>(500, 7), context - 500);
  const Completion done = run({fits})[0];
  EXPECT_EQ(done.tokens.size(), 8U);
  EXPECT_TRUE(done.context_full);
  Scheduler scheduler(model, engine.context);
  EXPECT_EQ(test::refused([&] {
              scheduler.submit(request(std::vector<std::int32_t>(500, 7), context - 499));
            }),
            "bad_argument: prompt: its 500 tokens and 9 new ones are 1 more than the model's "
            "context of 508; shorten the prompt or ask for fewer");
  Request beams = fits;
  beams.search.beams = 2;
  EXPECT_TRUE(run({beams})[0].context_full);
}

TEST_P(VirtualTokens, StandInFrontOfTextsThatAreScored) {
  std::vector<std::int32_t> text;
  for (std::int32_t i = 0; i < 40; ++i) text.push_back(3 + i * 7 % 100);
  eval::PerplexityOptions options;
  options.context = 20;
  options.convention = eval::Convention::whole;
  const eval::Perplexity found =
      eval::perplexity(model, engine.context, text, options, no_progress());
  double sum = 0;
  for (std::size_t chunk = 0; chunk < 2; ++chunk) {
    const std::vector<std::int32_t> part(
        text.begin() + static_cast<std::ptrdiff_t>(20 * chunk),
        text.begin() + static_cast<std::ptrdiff_t>(20 * chunk + 20));
    const std::vector<float> logits = logits_of(model, part);
    const std::size_t V = logits.size() / part.size();
    for (std::size_t t = 0; t + 1 < part.size(); ++t) {
      double total = 0;
      for (std::size_t v = 0; v < V; ++v) total += std::exp(static_cast<double>(logits[t * V + v]));
      sum += std::log(total) -
             static_cast<double>(logits[t * V + static_cast<std::size_t>(part[t + 1])]);
    }
  }
  EXPECT_EQ(found.tokens, 38);
  // Exponentials in f32 there, in f64 here.
  EXPECT_NEAR(std::log(found.perplexity), sum / 38, 1e-5 * sum / 38);
}

TEST_P(VirtualTokens, StandInFrontOfPromptsWhoseAnswersAreScored) {
  const std::vector<eval::KnownAnswer> rows = {{{5, 17, 99}, {3, 41}}, {{5, 17, 8}, {64}}};
  const eval::Perplexity found =
      eval::answer_perplexity(model, engine.context, rows, no_progress());
  double sum = 0;
  for (const eval::KnownAnswer& row : rows) {
    std::vector<std::int32_t> text = row.prompt;
    text.insert(text.end(), row.answer.begin(), row.answer.end());
    const std::vector<float> logits = logits_of(model, text);
    const std::size_t V = logits.size() / text.size();
    for (std::size_t t = row.prompt.size() - 1; t + 1 < text.size(); ++t) {
      double total = 0;
      for (std::size_t v = 0; v < V; ++v) total += std::exp(static_cast<double>(logits[t * V + v]));
      sum += std::log(total) -
             static_cast<double>(logits[t * V + static_cast<std::size_t>(text[t + 1])]);
    }
  }
  EXPECT_EQ(found.tokens, 3);
  EXPECT_NEAR(std::log(found.perplexity), sum / 3, 1e-5 * sum / 3);  // f32 exponentials there
}

TEST_P(VirtualTokens, AreReadBeforeSpeedIsMeasured) {
  eval::SpeedOptions options;
  options.prefill = 4;
  options.decode = 4;
  options.runs = 1;
  options.batch = 2;
  const eval::SpeedRuns runs = eval::measure_speed(model, engine.context, options, no_progress());
  EXPECT_EQ(runs.prefill.size(), 1U);
  EXPECT_EQ(runs.decode.size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(All, VirtualTokens, ::testing::Values("llama_prompt", "llama_prefix"));

}  // namespace
}  // namespace pomona::decode
