#include "decode/drawn_answers.h"

#include <algorithm>

#include "decode/logprobs.h"
#include "text/tokenizer.h"

namespace pomona::decode {

DrawnAnswers::DrawnAnswers(const kernel::Table& kernels, const model::Model& model,
                           const Request& request)
    : kernels_(kernels), model_(model), request_(request) {
  for (std::int64_t i = 0; i < request.answers; ++i) {
    std::function<void(std::string_view)> on_text;
    if (request.on_text)
      on_text = [&request, i](std::string_view piece) { request.on_text(piece, i); };
    live_.push_back(std::make_unique<Live>(
        Live{request.sampling, Answer(*model.tokenizer, request.stop, on_text), {}}));
    live_.back()->sampling.seed += static_cast<std::uint64_t>(i);
    live_.back()->completion.answer = i;
  }
}

std::vector<Ended> DrawnAnswers::advance(std::vector<Branch>& branches,
                                         std::span<const std::span<float>> logits) {
  std::vector<std::span<float>> rows(logits.begin(), logits.end());
  std::vector<std::vector<float>> copies;
  copies.reserve(live_.size());
  branches.reserve(live_.size());
  while (branches.size() < live_.size()) {
    branches.push_back(branches.front());
    rows.emplace_back(copies.emplace_back(rows.front().begin(), rows.front().end()));
  }
  std::vector<Ended> ended;
  std::vector<Branch> going;
  std::vector<std::unique_ptr<Live>> alive;
  for (std::size_t i = 0; i < live_.size(); ++i) {
    if (choose(*live_[i], branches[i], rows[i])) {
      ended.push_back(end(*live_[i], std::move(branches[i])));
    } else {
      going.push_back(std::move(branches[i]));
      alive.push_back(std::move(live_[i]));
    }
  }
  branches = std::move(going);
  live_ = std::move(alive);
  return ended;
}

/// True if that ends the answer.
bool DrawnAnswers::choose(Live& live, Branch& branch, std::span<float> logits) const {
  Completion& completion = live.completion;
  const auto generated = static_cast<std::int64_t>(completion.tokens.size());
  std::vector<float> given;
  if (request_.logprobs) given.assign(logits.begin(), logits.end());
  adjust(live.sampling, logits, branch.tokens, request_.prompt.size());
  if (generated < request_.min_new_tokens) forbid(model_.end_tokens, logits);
  const std::int32_t token =
      draw(kernels_, live.sampling, logits, static_cast<std::uint64_t>(generated));
  if (std::ranges::find(model_.end_tokens, token) != model_.end_tokens.end()) {
    completion.reason = StopReason::end;
    return true;
  }
  branch.tokens.push_back(token);
  completion.tokens.push_back(token);
  if (request_.logprobs)
    completion.logprobs.push_back(token_logprob(kernels_, given, token, *request_.logprobs));
  if (live.text.push(token, generated >= request_.min_new_tokens)) {
    completion.reason = StopReason::stop;
    return true;
  }
  completion.reason = StopReason::length;
  completion.context_full =
      static_cast<std::int64_t>(branch.tokens.size()) - model_.lm->virtual_count() >=
      model_.lm->shape().context;
  return generated + 1 == request_.max_new_tokens;
}

Ended DrawnAnswers::end(Live& live, std::optional<Branch> branch) {
  if (live.completion.reason != StopReason::stop) live.text.finish();
  live.completion.text = live.text.text();
  return {std::move(live.completion), std::move(branch)};
}

std::vector<Ended> DrawnAnswers::cancel(std::vector<Branch>& branches) {
  std::vector<Ended> ended;
  for (std::size_t i = 0; i < live_.size(); ++i) {
    live_[i]->completion.reason = StopReason::cancelled;
    std::optional<Branch> branch;
    if (i < branches.size()) branch = std::move(branches[i]);
    ended.push_back(end(*live_[i], std::move(branch)));
  }
  branches.clear();
  live_.clear();
  return ended;
}

}  // namespace pomona::decode
