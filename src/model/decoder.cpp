#include "model/decoder.h"

#include <algorithm>

namespace pomona::model {

void take_parameters(CausalLm& lm, Weights& weights) {
  lm.each_parameter([&](const std::string& name, Parameter& parameter) {
    parameter = Parameter(weights.get(name));
  });
  weights.check_all_taken();
}

Tensor row_numbers(const Context& context, std::span<const std::int32_t> numbers) {
  const Tensor rows = context.empty({static_cast<std::int64_t>(numbers.size())}, DType::i32);
  if (!context.planning()) std::copy(numbers.begin(), numbers.end(), rows.data<std::int32_t>());
  return rows;
}

Decoder::Decoder(const LmShape& shape, const std::vector<nn::RopeConfig>& rotations)
    : shape_(shape) {
  for (const nn::RopeConfig& rotation : rotations)
    rotations_.push_back(nn::rope_frequencies(rotation));
}

Tensor Decoder::forward(const nn::Batch& batch, const Context& context) const {
  Tensor x = embed(context, row_numbers(context, batch.tokens), batch);
  context.show("embed_tokens", x);

  std::vector<std::int64_t> lengths;
  lengths.reserve(batch.sequences.size());
  for (const nn::BatchSequence& sequence : batch.sequences) lengths.push_back(sequence.rows);
  std::vector<nn::BatchState> states;
  for (const nn::RopeFrequencies& rotation : rotations_) {
    const Tensor angles = op::rope_angles(context, batch.positions, rotation.per_position,
                                          rotation.attention_factor, x.dtype());
    states.push_back({batch, angles, lengths});
  }
  if (states.empty()) states.push_back({batch, Tensor(), lengths});

  for (std::int64_t layer = 0; layer < shape_.L; ++layer) {
    if (context.stop != nullptr) context.stop->check("forward");
    x = block(context, x, states[rotation_of(layer)], layer);
    context.show("layers." + std::to_string(layer), x);
  }
  if (batch.wanted.empty()) return Tensor();
  x = last_norm(context, op::gather_rows(context, x, batch.wanted));
  context.show("norm", x);
  return head(context, x);
}

}  // namespace pomona::model
