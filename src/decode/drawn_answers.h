// One or several answers to a prompt, each token drawn from what the model says.
#pragma once
#include "decode/answer.h"
#include "decode/decoding.h"

namespace pomona::decode {

class DrawnAnswers final : public Decoding {
 public:
  DrawnAnswers(const kernel::Table& kernels, const model::Model& model, const Request& request);

  std::vector<Ended> advance(std::vector<Branch>& branches,
                             std::span<const std::span<float>> logits) override;
  std::vector<Ended> cancel(std::vector<Branch>& branches) override;
  std::int64_t width() const override { return static_cast<std::int64_t>(live_.size()); }

 private:
  struct Live {
    SamplingOptions sampling;
    Answer text;
    Completion completion;
  };

  bool choose(Live& live, Branch& branch, std::span<float> logits) const;
  static Ended end(Live& live, std::optional<Branch> branch);

  const kernel::Table& kernels_;
  const model::Model& model_;
  const Request& request_;
  std::vector<std::unique_ptr<Live>> live_;  // one for each branch, once the prompt is read
};

}  // namespace pomona::decode
