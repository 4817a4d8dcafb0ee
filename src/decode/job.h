// A request on its way: first its prompt goes through the model in pieces, then its answers one
// token at a time.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "decode/decoding.h"

namespace pomona::decode {

class Job {
 public:
  Job(std::int64_t id, Request request, const kernel::Table& kernels, const model::Model& model);

  std::int64_t id() const { return id_; }
  const Request& request() const { return *request_; }
  /// With the model's virtual tokens.
  std::int64_t prompt_length() const { return static_cast<std::int64_t>(request_->prompt.size()); }
  std::int64_t most_positions() const { return prompt_length() + request_->max_new_tokens; }
  bool cancelled() const { return request_->cancel != nullptr && request_->cancel->requested(); }

  /// Begins with what `cache` holds of the prompt.
  void start(nn::KvSequence cache);
  /// Tokens of the prompt that the model has read, without virtual ones.
  std::int64_t prompt_read() const;
  bool in_prompt() const { return branches_.front().cache.length() < prompt_length(); }
  std::vector<Branch>& branches() { return branches_; }
  const std::vector<Branch>& branches() const { return branches_; }
  std::int64_t width() const { return decoding_->width(); }

  /// Blocks that this may hold at once from now on: those that the prompt fills belong to all
  /// branches.
  std::int64_t most_blocks() const;
  /// Blocks that it may still ask for, once started.
  std::int64_t blocks_to_come() const;

  /// As Decoding::advance; what has ended is complete with times and numbers of tokens.
  std::vector<Ended> advance(std::span<const std::span<float>> logits);
  std::vector<Ended> cancel();

 private:
  std::vector<Ended> told(std::vector<Ended> ended, double now) const;

  std::int64_t id_;
  std::int64_t virtual_;                    // tokens of the model in front of the prompt
  std::unique_ptr<const Request> request_;  // decoding_ refers to it
  std::unique_ptr<Decoding> decoding_;
  std::vector<Branch> branches_;
  std::int64_t shared_ = 0;
  double started_ = 0;
  double first_token_ = 0;
};

}  // namespace pomona::decode
