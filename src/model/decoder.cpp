#include "model/decoder.h"

#include <algorithm>

#include "nn/recompute.h"

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

void Decoder::set_virtual_tokens(std::shared_ptr<const nn::VirtualTokens> tokens) {
  const auto check = [&](const Parameter& rows, std::int64_t width, std::string_view what) {
    if (rows.value.shape() != Shape{tokens->count(), width}) {
      fail(ErrorKind::bad_shape, "virtual tokens: {} {}, expected ({}, {})", what,
           rows.value.shape().text(), tokens->count(), width);
    }
  };
  const std::int64_t context = shape_.context + virtual_count();
  if (tokens != nullptr) {
    if (tokens->count() >= context)
      fail(ErrorKind::bad_shape, "virtual tokens: {} of them, the model's context is {}",
           tokens->count(), context);
    check(tokens->embeddings, shape_.D, "embeddings");
    const auto L = static_cast<std::size_t>(shape_.L);
    if (tokens->keys.size() != tokens->values.size() ||
        (!tokens->keys.empty() && tokens->keys.size() != L)) {
      fail(ErrorKind::bad_shape,
           "virtual tokens: keys of {} layers, values of {}; the model has {}", tokens->keys.size(),
           tokens->values.size(), L);
    }
    for (const Parameter& keys : tokens->keys) check(keys, shape_.G * shape_.E, "keys");
    for (const Parameter& values : tokens->values) check(values, shape_.G * shape_.E, "values");
  }
  token_embedding().virtual_tokens = tokens;
  CausalLm::set_virtual_tokens(std::move(tokens));
  shape_.context = context - virtual_count();
}

/// Without its virtual tokens in front a sequence would be answered by another model.
void Decoder::check_beginnings(const nn::Batch& batch) const {
  for (const nn::BatchSequence& sequence : batch.sequences) {
    const std::int64_t known = virtual_count() - sequence.first_position;
    for (std::int64_t i = 0; i < std::min(known, sequence.rows); ++i) {
      const auto row = static_cast<std::size_t>(sequence.first_row + i);
      if (batch.tokens[row] != shape_.V + sequence.first_position + i)
        fail(ErrorKind::internal, "forward: a sequence without the model's {} virtual tokens",
             virtual_count());
    }
  }
}

nn::PrefixRows Decoder::prefix_rows(const nn::Batch& batch) const {
  nn::PrefixRows prefix;
  if (virtual_tokens() == nullptr || virtual_tokens()->keys.empty()) return prefix;
  prefix.tokens = virtual_tokens().get();
  const auto V = static_cast<std::int32_t>(shape_.V);
  for (std::size_t row = 0; row < batch.tokens.size(); ++row) {
    if (batch.tokens[row] < V) continue;
    prefix.rows.push_back(static_cast<std::int32_t>(row));
    prefix.numbers.push_back(batch.tokens[row] - V);
  }
  return prefix;
}

Tensor Decoder::states(const nn::Batch& batch, const Context& context) const {
  if (!context.planning()) check_beginnings(batch);
  Tensor x = embed(context, row_numbers(context, batch.tokens), batch);
  context.show("embed_tokens", x);

  std::vector<std::int64_t> lengths;
  lengths.reserve(batch.sequences.size());
  for (const nn::BatchSequence& sequence : batch.sequences) lengths.push_back(sequence.rows);
  // Shared with backward, where layers may be computed again.
  const auto states = std::make_shared<std::vector<nn::BatchState>>();
  for (const nn::RopeFrequencies& rotation : rotations_) {
    const Tensor angles = op::rope_angles(context, batch.positions, rotation.per_position,
                                          rotation.attention_factor, x.dtype());
    states->push_back({batch, angles, lengths, prefix_rows(batch)});
  }
  if (states->empty()) states->push_back({batch, Tensor(), lengths, prefix_rows(batch)});

  for (std::int64_t layer = 0; layer < shape_.L; ++layer) {
    if (context.stop != nullptr) context.stop->check("forward");
    const auto run = [this, states, layer](const Context& c, const Tensor& input) {
      return block(c, input, (*states)[rotation_of(layer)], layer);
    };
    x = context.recompute ? nn::recomputed(context, x, run) : run(context, x);
    context.show("layers." + std::to_string(layer), x);
  }
  if (batch.wanted.empty()) return Tensor();
  x = last_norm(context, op::gather_rows(context, x, batch.wanted));
  context.show("norm", x);
  return x;
}

}  // namespace pomona::model
