// Llama (Touvron et al. 2023, arXiv:2302.13971): pre-normalised blocks of rotary grouped-query
// attention and SwiGLU, RMSNorm. Serves checkpoints that declare the architecture "llama", Llama
// 3.1's stretched rotation (Grattafiori et al. 2024, arXiv:2407.21783) included, and the families
// whose blocks differ from these in a number only.
#pragma once
#include <memory>

#include "model/families.h"
#include "model/llama_like.h"

namespace pomona::model {

/// Biases, norms of queries and keys, and windows as the config says.
struct LlamaBlock {
  LlamaBlock(const LlamaConfig& config, std::int64_t layer);

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

  Tensor operator()(const Context& context, const Tensor& x, const nn::BatchState& state,
                    std::int64_t layer) const {
    const Tensor y = self_attn(context, x, input_layernorm(context, x), state, layer);
    return mlp(context, y, post_attention_layernorm(context, y));
  }
};

using Llama = LlamaLike<LlamaBlock>;

/// Whether GGUF files of the architecture hold the rows of Q and K in the order of pairs.
enum class GgufRows { as_hub, paired };

/// Names and shapes of LlamaBlock's parameters.
std::vector<WeightName> llama_block_names(const LlamaConfig& config, GgufRows rows);

/// Throws unsupported unless config.json's hidden_act is SiLU, under one of its names.
void check_silu(const Config& numbers);

}  // namespace pomona::model
