// The tiny model behind a scheduler, and what tests ask of it.
#pragma once
#include <memory>
#include <utility>
#include <vector>

#include "decode/scheduler.h"
#include "tests/support/engine.h"
#include "tests/support/golden.h"

namespace pomona::decode {

/// A model that remembers the batches it was given, and whose shape can be changed.
class ListeningLm final : public model::CausalLm {
 public:
  explicit ListeningLm(std::unique_ptr<model::CausalLm> lm)
      : sizes(lm->shape()), lm_(std::move(lm)) {}
  const model::LmShape& shape() const override { return sizes; }
  Tensor states(const nn::Batch& batch, const Context& context) const override {
    std::vector<std::int64_t>& rows = passes.emplace_back();
    for (const nn::BatchSequence& sequence : batch.sequences) rows.push_back(sequence.rows);
    return lm_->states(batch, context);
  }
  Tensor logits(const Tensor& states, const Context& context) const override {
    return lm_->logits(states, context);
  }
  void each_parameter(const std::function<void(const std::string&, Parameter&)>& f) override {
    lm_->each_parameter(f);
  }

  /// Rows of all passes together.
  std::int64_t rows() const {
    std::int64_t sum = 0;
    for (const auto& pass : passes) {
      for (const std::int64_t rows : pass) sum += rows;
    }
    return sum;
  }

  model::LmShape sizes;
  mutable std::vector<std::vector<std::int64_t>> passes;  // rows of each sequence

 private:
  std::unique_ptr<model::CausalLm> lm_;
};

struct Tiny {
  explicit Tiny(int threads = 1, Compute compute = Compute::f32)
      : engine(threads), model(model::load_model(golden::path_of("llama_tiny.gguf"))) {
    engine.context.compute = compute;
    model.end_tokens.clear();  // the golden answers run over end tokens
  }

  /// From now on the model remembers its batches.
  ListeningLm& listen() {
    auto lm = std::make_unique<ListeningLm>(std::move(model.lm));
    ListeningLm& listening = *lm;
    model.lm = std::move(lm);
    return listening;
  }

  test::Engine engine;
  model::Model model;
};

inline Request request(std::vector<std::int32_t> prompt, std::int64_t tokens) {
  Request made;
  made.prompt = std::move(prompt);
  made.max_new_tokens = tokens;
  return made;
}

/// The first answers to the requests, in their order.
inline std::vector<Completion> run_all(Tiny& tiny, std::vector<Request> requests,
                                       SchedulerOptions options = {}) {
  Scheduler scheduler(tiny.model, tiny.engine.context, options);
  std::vector<Completion> completions(requests.size());
  for (Request& one : requests) scheduler.submit(std::move(one));
  scheduler.run([&](std::int64_t id, Completion done) {
    completions[static_cast<std::size_t>(id)] = std::move(done);
  });
  return completions;
}

/// 151 tokens, all but the last always the same.
inline std::vector<std::int32_t> long_prompt(std::int32_t last) {
  std::vector<std::int32_t> tokens;
  for (std::int32_t i = 0; i < 150; ++i) tokens.push_back(3 + i * 7 % 250);
  tokens.push_back(last);
  return tokens;
}

}  // namespace pomona::decode
