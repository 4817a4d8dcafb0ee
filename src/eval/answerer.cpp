#include "eval/answerer.h"

#include <algorithm>
#include <numeric>

#include "base/clock.h"
#include "base/error.h"
#include "decode/scheduler.h"
#include "eval/answer_perplexity.h"
#include "kernel/table.h"
#include "simd/cpu.h"
#include "text/tokenizer.h"

namespace pomona::eval {
namespace {

class ModelAnswerer final : public Answerer {
 public:
  ModelAnswerer(const std::filesystem::path& path, const AnswererOptions& options)
      : model_(model::load_adapted(path, options.context, options.adapters)),
        level_(simd::level_in_use()),
        pool_(options.threads > 0 ? options.threads : available_threads()),
        arena_(physical_memory_bytes()),
        context_{pool_, arena_, kernel::table(level_), options.compute} {}

  Json about() const override {
    return {{"architecture", model_.architecture},
            {"parameters", model_.parameters},
            {"licence", model_.licence}};
  }

  std::int64_t context() const override { return model_.lm->shape().context; }

  std::vector<std::int32_t> prompt(const std::vector<model::Message>& messages) const override {
    return model_.chat_prompt(messages);
  }

  void answer(const std::vector<Question>& questions, const AnswerEvents& events,
              const StopToken& stop) override {
    Context context = context_;
    context.stop = &stop;
    decode::Scheduler scheduler(model_, context);
    for (const Question& question : questions) {
      decode::Request request;
      request.prompt = question.prompt;
      request.max_new_tokens = question.max_new_tokens;
      request.on_text = [&events](std::string_view, std::int64_t) { events.token(); };
      scheduler.submit(std::move(request));
    }
    scheduler.run([&](std::int64_t index, decode::Completion completion) {
      Answer answer;
      answer.text = std::move(completion.text);
      answer.stop_reason = name_of(completion.reason);
      answer.prompt_tokens = completion.prompt_tokens;
      answer.shared_tokens = completion.shared_tokens;
      answer.generated_tokens = static_cast<std::int64_t>(completion.tokens.size());
      events.done(static_cast<std::size_t>(index), std::move(answer));
    });
  }

  Perplexity perplexity(const std::vector<Reference>& references, ProgressSink& progress,
                        const StopToken& stop) override {
    Context context = context_;
    context.stop = &stop;
    std::vector<KnownAnswer> rows;
    for (const Reference& reference : references)
      rows.push_back({reference.prompt, model_.tokenizer->encode(reference.answer)});
    return answer_perplexity(model_, context, rows, progress);
  }

  std::uint64_t memory_bytes(std::int64_t tokens) const override {
    const decode::SchedulerOptions options;
    const model::MemoryPlan plan = model::plan_memory(
        model_, options.prefill_tokens, std::max<std::int64_t>(tokens, 1), context_.compute);
    const auto sequences = static_cast<std::uint64_t>(options.max_sequences);
    return model_.bytes + plan.weights + plan.cache * sequences + plan.activations;
  }

  Speed measure(const StopToken& stop) override {
    constexpr std::int64_t kPrompt = 256, kNew = 16;
    const decode::SchedulerOptions defaults;
    const auto vocabulary = static_cast<std::int32_t>(model_.tokenizer->vocabulary_size());
    const auto timed = [&](std::int64_t sequences, std::int64_t prompt, std::int64_t new_tokens) {
      std::vector<Question> questions(static_cast<std::size_t>(sequences));
      std::int32_t next = 0;
      for (Question& question : questions) {
        question.max_new_tokens = new_tokens;
        // No two prompts start alike, so that none is shared.
        for (std::int64_t i = 0; i < prompt; ++i)
          question.prompt.push_back((next++ * 7919) % std::max(1, vocabulary));
      }
      std::int64_t generated = 0;
      const Stopwatch watch;
      answer(questions, {[&](std::size_t, const Answer& a) { generated += a.generated_tokens; }},
             stop);
      return std::pair(watch.seconds(), static_cast<double>(generated));
    };
    timed(1, 8, 1);  // packs the weights
    const double prefill = timed(1, kPrompt, 1).first;
    const double start = timed(defaults.max_sequences, 8, 1).first;
    const auto [decode, generated] = timed(defaults.max_sequences, 8, kNew + 1);
    Speed speed;
    speed.prefill_tokens_per_second = static_cast<double>(kPrompt) / std::max(prefill, 1e-9);
    speed.decode_tokens_per_second =
        std::max(1.0, generated - static_cast<double>(defaults.max_sequences)) /
        std::max(decode - start, 1e-9);
    return speed;
  }

  Json machine() const override {
    return {{"isa", simd::name_of(level_)},
            {"threads", pool_.threads()},
            {"compute", name_of(context_.compute)}};
  }

 private:
  model::Model model_;
  simd::Level level_;
  ThreadPool pool_;
  Arena arena_;
  Context context_;
};

}  // namespace

std::unique_ptr<Answerer> open_answerer(const std::filesystem::path& model,
                                        const AnswererOptions& options) {
  return std::make_unique<ModelAnswerer>(model, options);
}

}  // namespace pomona::eval
