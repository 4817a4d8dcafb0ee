#include "model/llama.h"

#include "base/error.h"
#include "base/quote.h"

namespace pomona::model {

LlamaBlock::LlamaBlock(const LlamaConfig& config, std::int64_t layer) {
  input_layernorm.eps = post_attention_layernorm.eps = config.rms_norm_eps;
  self_attn.H = config.num_attention_heads;
  self_attn.G = config.num_key_value_heads;
  self_attn.E = config.head_dim;
  self_attn.options.window = config.windows[static_cast<std::size_t>(layer)];
  if (config.qk_norm)
    self_attn.q_norm = self_attn.k_norm = nn::RmsNorm{.weight = {}, .eps = config.rms_norm_eps};
  if (config.qkv_bias) {
    for (nn::Linear* map : {&self_attn.q_proj, &self_attn.k_proj, &self_attn.v_proj})
      map->bias.emplace();
  }
  if (config.o_bias) self_attn.o_proj.bias.emplace();
  if (config.mlp_bias) {
    for (nn::Linear* map : {&mlp.gate_proj, &mlp.up_proj, &mlp.down_proj}) map->bias.emplace();
  }
}

std::vector<WeightName> llama_block_names(const LlamaConfig& config, GgufRows rows) {
  const std::int64_t D = config.hidden_size, F = config.intermediate_size,
                     H = config.num_attention_heads, G = config.num_key_value_heads,
                     E = config.head_dim;
  const std::int64_t q_pairs = rows == GgufRows::paired ? H : 0;
  const std::int64_t k_pairs = rows == GgufRows::paired ? G : 0;
  return {
      {"model.layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight", {D}},
      {"model.layers.{}.self_attn.q_proj.weight", "blk.{}.attn_q.weight", {H * E, D}, q_pairs},
      {"model.layers.{}.self_attn.k_proj.weight", "blk.{}.attn_k.weight", {G * E, D}, k_pairs},
      {"model.layers.{}.self_attn.v_proj.weight", "blk.{}.attn_v.weight", {G * E, D}},
      {"model.layers.{}.self_attn.o_proj.weight", "blk.{}.attn_output.weight", {D, H * E}},
      {"model.layers.{}.self_attn.q_proj.bias", "blk.{}.attn_q.bias", {H * E}, q_pairs},
      {"model.layers.{}.self_attn.k_proj.bias", "blk.{}.attn_k.bias", {G * E}, k_pairs},
      {"model.layers.{}.self_attn.v_proj.bias", "blk.{}.attn_v.bias", {G * E}},
      {"model.layers.{}.self_attn.o_proj.bias", "blk.{}.attn_output.bias", {D}},
      {"model.layers.{}.self_attn.q_norm.weight", "blk.{}.attn_q_norm.weight", {E}},
      {"model.layers.{}.self_attn.k_norm.weight", "blk.{}.attn_k_norm.weight", {E}},
      {"model.layers.{}.post_attention_layernorm.weight", "blk.{}.ffn_norm.weight", {D}},
      {"model.layers.{}.mlp.gate_proj.weight", "blk.{}.ffn_gate.weight", {F, D}},
      {"model.layers.{}.mlp.up_proj.weight", "blk.{}.ffn_up.weight", {F, D}},
      {"model.layers.{}.mlp.down_proj.weight", "blk.{}.ffn_down.weight", {D, F}},
      {"model.layers.{}.mlp.gate_proj.bias", "blk.{}.ffn_gate.bias", {F}},
      {"model.layers.{}.mlp.up_proj.bias", "blk.{}.ffn_up.bias", {F}},
      {"model.layers.{}.mlp.down_proj.bias", "blk.{}.ffn_down.bias", {D}},
  };
}

void check_silu(const Config& numbers) {
  const std::string activation = numbers.text("hidden_act", "silu");
  if (activation != "silu" && activation != "swish")
    fail(ErrorKind::unsupported, "{}: hidden_act {} is not supported, only silu", numbers.origin(),
         quote_name(activation));
}

std::unique_ptr<CausalLm> load_llama(const Checkpoint& checkpoint) {
  const Config& numbers = checkpoint.config;
  LlamaConfig config = LlamaConfig::from(checkpoint);
  check_silu(numbers);
  if (numbers.from_gguf()) {
    if (config.rope.rotary_dim != config.head_dim)
      fail(ErrorKind::unsupported, "{}: {} is {}, only the size of the heads, {}, is supported",
           numbers.origin(), numbers.key_of("rope_dim"), config.rope.rotary_dim, config.head_dim);
    read_windows(numbers, config);  // Mistral's files declare this architecture
  }
  config.qkv_bias = config.qkv_bias || numbers.flag("attention_bias", false);
  config.o_bias = config.o_bias || numbers.flag("attention_bias", false);
  config.mlp_bias = config.mlp_bias || numbers.flag("mlp_bias", false);
  return load_llama_like<Llama>(checkpoint, config, llama_block_names(config, GgufRows::paired));
}

}  // namespace pomona::model
