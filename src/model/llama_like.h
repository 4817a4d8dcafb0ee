// The frame of the families whose checkpoints look like Llama's: model.embed_tokens, model.layers,
// model.norm and lm_head. A family gives its Block, which is made from (config, layer), names its
// members with each(), and is called with (context, x, state, layer). Numbers is a LlamaConfig, or
// what a family adds to it.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/decoder.h"
#include "model/llama_config.h"
#include "model/rope_config.h"
#include "nn/layers.h"

namespace pomona::model {

template <class Block>
struct LlamaStack {
  nn::Embedding embed_tokens;
  std::vector<Block> layers;
  nn::RmsNorm norm;
  template <class Visit>
  void each(Visit&& visit) {
    visit("embed_tokens", embed_tokens);
    for (std::size_t i = 0; i < layers.size(); ++i) visit("layers." + std::to_string(i), layers[i]);
    visit("norm", norm);
  }
};

template <class Block, class Numbers = LlamaConfig>
class LlamaLike : public Decoder {
 public:
  /// Without weights: every parameter is undefined; for planning, set shapes with each_parameter.
  LlamaLike(const Numbers& config, bool tied) : LlamaLike(config, tied, {config.rope}) {}

  void each_parameter(const std::function<void(const std::string&, Parameter&)>& f) override {
    nn::each_parameter(model, "model", f);
    if (lm_head) nn::each_parameter(*lm_head, "lm_head", f);
  }

  LlamaStack<Block> model;
  std::optional<nn::Linear> lm_head;  // absent: the embedding serves as head

 protected:
  LlamaLike(const Numbers& config, bool tied, const std::vector<nn::RopeConfig>& rotations)
      : Decoder(config.shape(), rotations) {
    for (std::int64_t layer = 0; layer < config.num_hidden_layers; ++layer)
      model.layers.emplace_back(config, layer);
    model.norm.eps = config.rms_norm_eps;
    if (!tied) lm_head.emplace();
  }

  Tensor embed(const Context& context, const Tensor& tokens, const nn::Batch&) const override {
    return model.embed_tokens(context, tokens);
  }
  nn::Embedding& token_embedding() override { return model.embed_tokens; }
  Tensor block(const Context& context, const Tensor& x, const nn::BatchState& state,
               std::int64_t layer) const override {
    return model.layers[static_cast<std::size_t>(layer)](context, x, state, layer);
  }
  Tensor last_norm(const Context& context, const Tensor& x) const override {
    return model.norm(context, x);
  }
  Tensor head(const Context& context, const Tensor& x) const override {
    const Parameter* weight[] = {lm_head ? &lm_head->weight : &model.embed_tokens.weight};
    return op::linear(context, x, weight);
  }
};

/// Loads a Model (LlamaLike of some block) by the name map of its layers; an entry for another part
/// stands for the usual one. Throws bad_file for tensors missing or of another shape, unsupported
/// for one that the model has no use for.
template <class Model, class Numbers>
std::unique_ptr<CausalLm> load_llama_like(const Checkpoint& checkpoint, const Numbers& config,
                                          std::vector<WeightName> names) {
  const std::int64_t D = config.hidden_size, V = config.vocab_size;
  names.push_back({"model.embed_tokens.weight", "token_embd.weight", {V, D}});
  names.push_back({"model.norm.weight", "output_norm.weight", {D}});
  names.push_back({"lm_head.weight", "output.weight", {V, D}});
  Weights weights = checkpoint.weights(std::move(names));
  // Where a file ties its head and yet has another one, that one counts, as in transformers 5.
  const bool tied = !weights.has("lm_head.weight") ||
                    (config.tie_word_embeddings &&
                     weights.are_same("lm_head.weight", "model.embed_tokens.weight"));
  auto lm = std::make_unique<Model>(config, tied);
  if (tied) weights.pass_over("lm_head.weight");
  take_rope_weights(weights);
  take_parameters(*lm, weights);
  return lm;
}

}  // namespace pomona::model
