// Phi-3 and Phi-4 (Abdin et al. 2024, arXiv:2404.14219 and 2412.08905): Llama's block with one
// matrix for queries, keys and values and one for gate and up, a window, and in some the first part
// of each head turning only. Long contexts stretch the rotation by LongRoPE (Ding et al. 2024,
// arXiv:2402.13753), whose factors for them a model takes that is loaded for more than the original
// context.
#include "model/llama.h"

namespace pomona::model {
namespace {

struct Phi3Attention : nn::AttentionHeads {
  nn::Linear qkv_proj, o_proj;
  template <class Visit>
  void each(Visit&& visit) {
    visit("qkv_proj", qkv_proj);
    visit("o_proj", o_proj);
  }
};

struct Phi3Mlp {
  nn::Linear gate_up_proj, down_proj;
  template <class Visit>
  void each(Visit&& visit) {
    visit("gate_up_proj", gate_up_proj);
    visit("down_proj", down_proj);
  }
};

struct Phi3Block {
  Phi3Block(const LlamaConfig& config, std::int64_t layer) {
    input_layernorm.eps = post_attention_layernorm.eps = config.rms_norm_eps;
    self_attn.H = config.num_attention_heads;
    self_attn.G = config.num_key_value_heads;
    self_attn.E = config.head_dim;
    self_attn.options.window = config.windows[static_cast<std::size_t>(layer)];
  }

  nn::RmsNorm input_layernorm;
  Phi3Attention self_attn;
  nn::RmsNorm post_attention_layernorm;
  Phi3Mlp mlp;
  template <class Visit>
  void each(Visit&& visit) {
    visit("input_layernorm", input_layernorm);
    visit("self_attn", self_attn);
    visit("post_attention_layernorm", post_attention_layernorm);
    visit("mlp", mlp);
  }

  Tensor operator()(const Context& context, const Tensor& x, const nn::BatchState& state,
                    std::int64_t layer) const {
    const Tensor qkv = self_attn.qkv_proj(context, input_layernorm(context, x));
    const Tensor y = self_attn.o_proj(context, x, self_attn(context, qkv, state, layer));
    const Tensor both = mlp.gate_up_proj(context, post_attention_layernorm(context, y));
    return mlp.down_proj(context, y, op::gated(context, both, op::Activation::silu));
  }
};

}  // namespace

std::unique_ptr<CausalLm> load_phi3(const Checkpoint& checkpoint) {
  LlamaConfig config = LlamaConfig::from(checkpoint);
  check_silu(checkpoint.config);
  read_windows(checkpoint.config, config);
  const std::int64_t D = config.hidden_size, F = config.intermediate_size,
                     H = config.num_attention_heads, G = config.num_key_value_heads,
                     E = config.head_dim;
  return load_llama_like<LlamaLike<Phi3Block>>(
      checkpoint, config,
      {
          {"model.layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight", {D}},
          {"model.layers.{}.self_attn.qkv_proj.weight",
           "blk.{}.attn_qkv.weight",
           {(H + 2 * G) * E, D}},
          {"model.layers.{}.self_attn.o_proj.weight", "blk.{}.attn_output.weight", {D, H * E}},
          {"model.layers.{}.post_attention_layernorm.weight", "blk.{}.ffn_norm.weight", {D}},
          {"model.layers.{}.mlp.gate_up_proj.weight", "blk.{}.ffn_up.weight", {2 * F, D}},
          {"model.layers.{}.mlp.down_proj.weight", "blk.{}.ffn_down.weight", {D, F}},
      });
}

}  // namespace pomona::model
