// What decoder-only transformers share (Radford et al. 2018): tokens become vectors, blocks add to
// them, and a head makes logits of the last block's.
#pragma once
#include <span>
#include <vector>

#include "model/causal_lm.h"
#include "model/weights.h"
#include "nn/layers.h"
#include "nn/rope.h"

namespace pomona::model {

/// Gives each parameter its weight. Throws bad_file for tensors missing or of another shape,
/// unsupported for one that the model has no use for.
void take_parameters(CausalLm& lm, Weights& weights);

/// Numbers of rows, for op::embedding: (T), i32.
Tensor row_numbers(const Context& context, std::span<const std::int32_t> numbers);

/// A family says what its parts compute; x (T, D) is the residual stream.
class Decoder : public CausalLm {
 public:
  const LmShape& shape() const override { return shape_; }
  Tensor states(const nn::Batch& batch, const Context& context) const final;
  Tensor logits(const Tensor& states, const Context& context) const final {
    return head(context, states);
  }
  Parameter& token_table() final { return token_embedding().weight; }
  void set_virtual_tokens(std::shared_ptr<const nn::VirtualTokens> tokens) final;

 protected:
  /// `rotations`: the frequencies by which queries and keys turn, none if they do not, several if
  /// rotation_of() tells layers apart. Throws bad_argument as nn::rope_frequencies.
  Decoder(const LmShape& shape, const std::vector<nn::RopeConfig>& rotations);

  /// Tokens (T), i32 -> (T, D).
  virtual Tensor embed(const Context& context, const Tensor& tokens,
                       const nn::Batch& batch) const = 0;
  virtual Tensor block(const Context& context, const Tensor& x, const nn::BatchState& state,
                       std::int64_t layer) const = 0;
  virtual Tensor last_norm(const Context& context, const Tensor& x) const = 0;
  /// Normalised rows -> (rows, V).
  virtual Tensor head(const Context& context, const Tensor& x) const = 0;
  virtual std::size_t rotation_of(std::int64_t) const { return 0; }
  /// What embed() looks tokens up in.
  virtual nn::Embedding& token_embedding() = 0;

 private:
  void check_beginnings(const nn::Batch& batch) const;
  nn::PrefixRows prefix_rows(const nn::Batch& batch) const;

  LmShape shape_;
  std::vector<nn::RopeFrequencies> rotations_;
};

}  // namespace pomona::model
