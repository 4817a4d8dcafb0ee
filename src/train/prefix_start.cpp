#include "train/prefix_start.h"

#include <vector>

namespace pomona::train {

void read_prefix(const model::Model& model, std::span<const std::int32_t> tokens,
                 const Context& context, nn::VirtualTokens& into) {
  const nn::KvShape shape = model::kv_shape(model.lm->shape(), Compute::f32);
  const auto P = static_cast<std::int64_t>(tokens.size());
  const std::int64_t G = shape.G, E = shape.E, head = kernel::kv_block_bytes(shape.kind, E) / 4;
  nn::KvPool pool(shape, nn::kv_blocks(P));
  nn::KvSequence sequence(pool);
  sequence.extend(P);
  nn::Batch batch;
  batch.append(tokens, 0, &sequence, nn::Batch::Logits::none);
  Context computing = context;
  computing.compute = Compute::f32;
  computing.tape = nullptr;
  model.lm->forward(batch, computing);

  std::vector<std::byte*> blocks;
  for (std::int64_t layer = 0; layer < shape.L; ++layer) {
    sequence.layer_blocks(layer, blocks);
    const Tensor keys = Tensor::zeros({P, G * E}), values = Tensor::zeros({P, G * E});
    for (std::int64_t p = 0; p < P; ++p) {
      const std::int64_t at = p % kernel::kKvBlock;
      const auto* const block =
          reinterpret_cast<const float*>(blocks[static_cast<std::size_t>(p / kernel::kKvBlock)]);
      for (std::int64_t i = 0; i < G * E; ++i) {
        const std::int64_t g = i / E, e = i % E;
        keys.data<float>()[p * G * E + i] = block[g * head + e * kernel::kKvBlock + at];
        values.data<float>()[p * G * E + i] = block[(G + g) * head + at * E + e];
      }
    }
    into.keys.emplace_back(keys);
    into.values.emplace_back(values);
  }
}

}  // namespace pomona::train
