// Llama (Touvron et al. 2023, arXiv:2302.13971): pre-normalised blocks of rotary grouped-query
// attention and SwiGLU, RMSNorm, no biases. Serves checkpoints that declare the architecture
// "llama", Llama 3.1's stretched rotation (Grattafiori et al. 2024, arXiv:2407.21783) included.
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "model/causal_lm.h"
#include "model/checkpoint.h"
#include "nn/layers.h"

namespace pomona::model {

/// Fields carry config.json's names.
struct LlamaConfig {
  std::int64_t vocab_size = 0;
  std::int64_t hidden_size = 0;
  std::int64_t intermediate_size = 0;
  std::int64_t num_hidden_layers = 0;
  std::int64_t num_attention_heads = 0;
  std::int64_t num_key_value_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t max_position_embeddings = 0;
  double rms_norm_eps = 1e-5;
  double rope_theta = 10000.0;
  bool tie_word_embeddings = false;
  /// What divides each rotary frequency (head_dim / 2), as Llama 3.1's rope_type "llama3" works
  /// out; empty: nothing does.
  std::vector<float> rope_factors;

  /// Throws bad_file for missing or impossible values, unsupported for variants this file does not
  /// describe.
  static LlamaConfig from(const Checkpoint& checkpoint);
  LmShape shape() const;
};

struct LlamaBlock {
  nn::RmsNorm input_layernorm;
  nn::Attention self_attn;
  nn::RmsNorm post_attention_layernorm;
  nn::GatedMlp mlp;
  template <class Visit>
  void each(Visit&& visit) {
    visit("input_layernorm", input_layernorm);
    visit("self_attn", self_attn);
    visit("post_attention_layernorm", post_attention_layernorm);
    visit("mlp", mlp);
  }
};

struct LlamaModel {
  nn::Embedding embed_tokens;
  std::vector<LlamaBlock> layers;
  nn::RmsNorm norm;
  template <class Visit>
  void each(Visit&& visit) {
    visit("embed_tokens", embed_tokens);
    for (std::size_t i = 0; i < layers.size(); ++i) visit("layers." + std::to_string(i), layers[i]);
    visit("norm", norm);
  }
};

class Llama final : public CausalLm {
 public:
  /// Without weights: every parameter is undefined; for planning, set shapes with each_parameter.
  explicit Llama(const LlamaConfig& config, bool tied);

  const LmShape& shape() const override { return shape_; }
  Tensor forward(const nn::Batch& batch, const Context& context) const override;
  void each_parameter(const std::function<void(const std::string&, Parameter&)>& f) override;

  LlamaModel model;
  std::optional<nn::Linear> lm_head;  // absent: the embedding serves as head

 private:
  LlamaConfig config_;
  LmShape shape_;
};

/// A Llama on the tensors of a checkpoint. Throws as LlamaConfig::from, and unsupported for a
/// tensor that this model has no use for.
std::unique_ptr<CausalLm> load_llama(const Checkpoint& checkpoint);

}  // namespace pomona::model
