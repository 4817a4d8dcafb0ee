// Beam search with a length penalty: the likeliest answers rather than the likeliest next token.
// The rules are those of transformers' generate(num_beams, length_penalty, early_stopping,
// num_return_sequences), which descend from Wu et al. 2016 (arXiv:1609.08144, section 7).
#pragma once
#include <cstddef>
#include <memory>

#include "decode/answer.h"
#include "decode/decoding.h"

namespace pomona::decode {

/// Bias and penalties change log probabilities, not logits.
class BeamSearch final : public Decoding {
 public:
  BeamSearch(const kernel::Table& kernels, const model::Model& model, const Request& request);

  std::vector<Ended> advance(std::vector<Branch>& branches,
                             std::span<const std::span<float>> logits) override;
  std::vector<Ended> cancel(std::vector<Branch>& branches) override;
  std::int64_t width() const override { return request_.search.beams; }

 private:
  /// An answer so far; `sum` of its tokens' log probabilities, an end token's too.
  struct Beam {
    Answer text;
    Completion completion;
    double sum = 0;
  };
  using BeamRef = std::shared_ptr<const Beam>;
  /// A beam and one token more.
  struct Extension {
    std::size_t beam;
    std::int32_t token;
    double sum;
  };

  std::vector<Extension> best_extensions(const std::vector<Branch>& branches,
                                         std::span<const std::span<float>> logits) const;
  std::shared_ptr<Beam> extend(const Extension& extension, bool& ends) const;
  bool ends_generation(std::int32_t token) const;
  void keep(std::shared_ptr<Beam> beam);
  bool is_over(const std::vector<BeamRef>& going);
  std::vector<Ended> best_answers(const std::vector<BeamRef>& beams) const;
  double scored(double sum, std::int64_t length) const;

  const kernel::Table& kernels_;
  const model::Model& model_;
  const Request& request_;
  std::int64_t length_ = 0;       // tokens of each running beam
  std::vector<BeamRef> running_;  // one for each branch, best first
  std::vector<BeamRef> kept_;     // ended ones, best first, at most as many as beams
};

}  // namespace pomona::decode
