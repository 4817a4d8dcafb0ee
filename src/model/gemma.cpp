#include "model/gemma.h"

#include <cmath>

#include "base/error.h"
#include "model/decoder_config.h"

namespace pomona::model {
namespace {

double softcap(const Config& numbers, std::string_view name) {
  return numbers.find(name) != nullptr ? numbers.positive(name) : 0;
}

/// As the reference has it: in the type of the embedding's values.
double root_of_width(const Checkpoint& checkpoint, std::int64_t D) {
  auto scale = static_cast<float>(std::sqrt(static_cast<double>(D)));
  if (checkpoint.config.from_gguf()) return scale;
  const auto dtype = checkpoint.tensors.at("model.embed_tokens.weight").type.dtype;
  if (dtype == DType::bf16 || dtype == DType::f16) {
    std::byte rounded[2];
    info(*dtype).pack(&scale, nullptr, rounded, 1);
    info(*dtype).unpack(rounded, &scale, 1);
  }
  return scale;
}

}  // namespace

std::int64_t usual_query_scalar(const LmShape& shape, std::int64_t widest) {
  return shape.L == widest ? shape.D / shape.H : shape.E;
}

GemmaConfig GemmaConfig::from(const Checkpoint& checkpoint, std::int64_t period,
                              std::int64_t widest) {
  const Config& numbers = checkpoint.config;
  if (numbers.flag("use_bidirectional_attention", false))
    fail(ErrorKind::unsupported, "{}: use_bidirectional_attention is not supported",
         numbers.origin());
  GemmaConfig config{LlamaConfig::from(checkpoint, "full_attention")};
  read_windows(numbers, config, numbers.size("sliding_window_pattern", period));
  const auto width = static_cast<double>(usual_query_scalar(config.shape(), widest));
  config.query_scale = numbers.from_gguf()
                           ? numbers.positive("attention_scale", 1 / std::sqrt(width))
                           : 1 / std::sqrt(numbers.positive("query_pre_attn_scalar"));
  config.attn_logit_softcapping = softcap(numbers, "attn_logit_softcapping");
  config.final_logit_softcapping = softcap(numbers, "final_logit_softcapping");
  config.embedding_scale = root_of_width(checkpoint, config.hidden_size);
  config.hidden_activation = read_activation(numbers, "hidden_activation", "gelu_pytorch_tanh");
  return config;
}

GemmaBlock::GemmaBlock(const GemmaConfig& config, std::int64_t layer) {
  for (nn::RmsNorm* norm : {&input_layernorm, &post_attention_layernorm, &pre_feedforward_layernorm,
                            &post_feedforward_layernorm})
    norm->eps = config.rms_norm_eps;
  self_attn.H = config.num_attention_heads;
  self_attn.G = config.num_key_value_heads;
  self_attn.E = config.head_dim;
  self_attn.options = {.scale = config.query_scale,
                       .window = config.windows[static_cast<std::size_t>(layer)],
                       .softcap = config.attn_logit_softcapping};
  if (config.qk_norm)
    self_attn.q_norm = self_attn.k_norm = nn::RmsNorm{.weight = {}, .eps = config.rms_norm_eps};
  mlp.activation = config.hidden_activation;
}

Gemma::Gemma(const GemmaConfig& config, bool tied)
    : LlamaLike(config, tied, {config.rope, config.local_rope.value_or(config.rope)}),
      config_(config) {}

Tensor Gemma::embed(const Context& context, const Tensor& tokens, const nn::Batch& batch) const {
  return op::scale(context, LlamaLike::embed(context, tokens, batch), config_.embedding_scale);
}

Tensor Gemma::head(const Context& context, const Tensor& x) const {
  const Tensor logits = LlamaLike::head(context, x);
  const double cap = config_.final_logit_softcapping;
  return cap > 0 ? op::soft_cap(context, logits, cap) : logits;
}

std::size_t Gemma::rotation_of(std::int64_t layer) const {
  return config_.sliding[static_cast<std::size_t>(layer)] ? 1 : 0;
}

std::unique_ptr<CausalLm> load_gemma(const Checkpoint& checkpoint, const GemmaConfig& config) {
  const std::int64_t D = config.hidden_size, F = config.intermediate_size,
                     H = config.num_attention_heads, G = config.num_key_value_heads,
                     E = config.head_dim;
  const std::string layer = "model.layers.{}.";
  const auto norm = [](std::string hub, std::string gguf, std::int64_t size) {
    return WeightName{
        .hub = std::move(hub), .gguf = std::move(gguf), .shape = {size}, .hub_above_one = true};
  };
  return load_llama_like<Gemma>(
      checkpoint, config,
      {
          norm(layer + "input_layernorm.weight", "blk.{}.attn_norm.weight", D),
          {layer + "self_attn.q_proj.weight", "blk.{}.attn_q.weight", {H * E, D}},
          {layer + "self_attn.k_proj.weight", "blk.{}.attn_k.weight", {G * E, D}},
          {layer + "self_attn.v_proj.weight", "blk.{}.attn_v.weight", {G * E, D}},
          {layer + "self_attn.o_proj.weight", "blk.{}.attn_output.weight", {D, H * E}},
          norm(layer + "self_attn.q_norm.weight", "blk.{}.attn_q_norm.weight", E),
          norm(layer + "self_attn.k_norm.weight", "blk.{}.attn_k_norm.weight", E),
          norm(layer + "post_attention_layernorm.weight", "blk.{}.post_attention_norm.weight", D),
          norm(layer + "pre_feedforward_layernorm.weight", "blk.{}.ffn_norm.weight", D),
          {layer + "mlp.gate_proj.weight", "blk.{}.ffn_gate.weight", {F, D}},
          {layer + "mlp.up_proj.weight", "blk.{}.ffn_up.weight", {F, D}},
          {layer + "mlp.down_proj.weight", "blk.{}.ffn_down.weight", {D, F}},
          norm(layer + "post_feedforward_layernorm.weight", "blk.{}.post_ffw_norm.weight", D),
          norm("model.norm.weight", "output_norm.weight", D),
      });
}

}  // namespace pomona::model
