#include "decode/job.h"

#include <algorithm>
#include <map>

#include "base/clock.h"
#include "decode/beam_search.h"
#include "decode/drawn_answers.h"

namespace pomona::decode {

namespace {

std::unique_ptr<Decoding> make_decoding(const kernel::Table& kernels, const model::Model& model,
                                        const Request& request) {
  if (request.search.beams > 1) return std::make_unique<BeamSearch>(kernels, model, request);
  return std::make_unique<DrawnAnswers>(kernels, model, request);
}

std::unique_ptr<const Request> as_read(Request request, const model::CausalLm& lm) {
  request.prompt = lm.with_virtual_tokens(request.prompt);
  return std::make_unique<const Request>(std::move(request));
}

}  // namespace

Job::Job(std::int64_t id, Request request, const kernel::Table& kernels, const model::Model& model)
    : id_(id),
      virtual_(model.lm->virtual_count()),
      request_(as_read(std::move(request), *model.lm)),
      decoding_(make_decoding(kernels, model, *request_)) {}

void Job::start(nn::KvSequence cache) {
  shared_ = cache.length();
  started_ = steady_seconds();
  branches_.push_back({request_->prompt, std::move(cache)});
}

std::int64_t Job::prompt_read() const {
  return std::max<std::int64_t>(branches_.front().cache.length() - virtual_, 0);
}

std::int64_t Job::most_blocks() const {
  const std::int64_t common = prompt_length() / kernel::kKvBlock;
  return common + width() * (nn::kv_blocks(most_positions()) - common);
}

std::int64_t Job::blocks_to_come() const {
  std::map<std::int32_t, int> held;  // and by how many branches
  for (const Branch& branch : branches_) {
    for (const std::int32_t block : branch.cache.blocks()) ++held[block];
  }
  // A block that somebody else refers to as well is held now and copied soon.
  const bool copies = std::ranges::any_of(branches_, [&](const Branch& branch) {
    return branch.cache.copies_next() &&
           branch.cache.last_block_references() > held.at(branch.cache.blocks().back());
  });
  return most_blocks() - static_cast<std::int64_t>(held.size()) + (copies ? 1 : 0);
}

std::vector<Ended> Job::advance(std::span<const std::span<float>> logits) {
  const double now = steady_seconds();
  if (first_token_ == 0) first_token_ = now;
  return told(decoding_->advance(branches_, logits), now);
}

std::vector<Ended> Job::cancel() { return told(decoding_->cancel(branches_), steady_seconds()); }

std::vector<Ended> Job::told(std::vector<Ended> ended, double now) const {
  for (Ended& one : ended) {
    one.completion.prompt_tokens = prompt_length() - virtual_;
    one.completion.shared_tokens = std::max<std::int64_t>(shared_ - virtual_, 0);
    if (first_token_ == 0) continue;
    one.completion.prefill_seconds = first_token_ - started_;
    one.completion.first_token_time = first_token_;
    one.completion.decode_seconds = now - first_token_;
  }
  return ended;
}

}  // namespace pomona::decode
