#include "model/llama.h"

#include <cmath>

#include "base/error.h"
#include "base/quote.h"

namespace pomona::model {

namespace {

/// The name map's key for the factors, which checkpoints of the hub do not hold: config.json has
/// the numbers that they follow from.
constexpr const char* kRopeFactors = "rope_factors";

std::vector<float> rope_factors(const Tensor& stored, const std::string& origin) {
  const float* const values = stored.data<float>();
  for (std::int64_t i = 0; i < stored.elements(); ++i) {
    if (!(values[i] > 0) || !std::isfinite(values[i]))
      fail(ErrorKind::bad_file, "{}: rope_freqs.weight has {}, expected numbers above 0", origin,
           values[i]);
  }
  return {values, values + stored.elements()};
}

/// Throws unsupported for what some files of this architecture ask for and this one does not do.
void check_variant(const Config& config, std::int64_t head_dim) {
  const std::string scaling = config.text("rope_scaling_type", "none");
  if (scaling != "none")
    fail(ErrorKind::unsupported, "{}: RoPE scaling {} is not supported", config.origin(),
         quote_name(scaling));
  for (const std::string_view name : {"rope_scaling_factor", "rope_scale_linear"}) {
    const bool linear = !config.has("rope_scaling_type");  // the type left out
    const Json* const factor = config.find(name);
    if (linear && factor != nullptr && *factor != 0 && *factor != 1)
      fail(ErrorKind::unsupported, "{}: {} is {}, RoPE scaling is not supported", config.origin(),
           config.key_of(name), factor->is_number() ? factor->get<double>() : 0);
  }
  if (const Json* const scaled = config.find("rope_scaling"))
    fail(ErrorKind::unsupported, "{}: rope_scaling {} is not supported", config.origin(),
         scaled->dump());
  if (const Json* const experts = config.find("num_local_experts"); experts && *experts != 0)
    fail(ErrorKind::unsupported, "{}: a mixture of {} experts is not supported", config.origin(),
         experts->dump());
  for (const std::string_view name : {"attention_bias", "mlp_bias"}) {
    if (config.flag(name, false))
      fail(ErrorKind::unsupported, "{}: {} is not supported", config.origin(), name);
  }
  if (head_dim % 16 != 0 || head_dim > 256)
    fail(ErrorKind::unsupported,
         "{}: heads of {} values are not supported, only multiples of 16 up to 256",
         config.origin(), head_dim);
  for (const std::string_view name : {"value_dim", "rope_dim"}) {
    if (const std::int64_t found = config.size(name, head_dim); found != head_dim)
      fail(ErrorKind::unsupported, "{}: {} is {}, only the size of the heads, {}, is supported",
           config.origin(), config.key_of(name), found, head_dim);
  }
}

}  // namespace

LlamaConfig LlamaConfig::from(const Checkpoint& checkpoint) {
  const Config& numbers = checkpoint.config;
  LlamaConfig config;
  const std::int64_t D = config.hidden_size = numbers.size("hidden_size");
  config.intermediate_size = numbers.size("intermediate_size");
  config.num_hidden_layers = numbers.size("num_hidden_layers");
  if (static_cast<std::size_t>(config.num_hidden_layers) > checkpoint.tensors.tensors().size())
    fail(ErrorKind::bad_file, "{}: {} is {}, but there are {} tensors in all", numbers.origin(),
         numbers.key_of("num_hidden_layers"), config.num_hidden_layers,
         checkpoint.tensors.tensors().size());
  const std::int64_t H = config.num_attention_heads = numbers.size("num_attention_heads");
  const std::int64_t G = config.num_key_value_heads = numbers.size("num_key_value_heads", H);
  numbers.check_divides("num_attention_heads", H, "num_key_value_heads", G);
  if (!numbers.has("head_dim")) numbers.check_divides("hidden_size", D, "num_attention_heads", H);
  config.head_dim = numbers.size("head_dim", D / H);
  config.max_position_embeddings = numbers.size("max_position_embeddings");
  config.rms_norm_eps = numbers.positive("rms_norm_eps");
  config.rope_theta = numbers.positive("rope_theta", config.rope_theta);
  config.tie_word_embeddings = numbers.flag("tie_word_embeddings", false);
  check_variant(numbers, config.head_dim);
  const store::StoredTensor& table = checkpoint.tensors.at(
      numbers.from_gguf() ? "token_embd.weight" : "model.embed_tokens.weight");
  config.vocab_size = table.shape.empty() ? 0 : table.shape.front();
  return config;
}

LmShape LlamaConfig::shape() const {
  return {vocab_size,          hidden_size, num_hidden_layers, num_attention_heads,
          num_key_value_heads, head_dim,    intermediate_size, max_position_embeddings};
}

Llama::Llama(const LlamaConfig& config, bool tied) : config_(config), shape_(config.shape()) {
  model.layers.resize(static_cast<std::size_t>(config.num_hidden_layers));
  for (LlamaBlock& block : model.layers) {
    block.input_layernorm.eps = block.post_attention_layernorm.eps = config.rms_norm_eps;
    block.self_attn.H = config.num_attention_heads;
    block.self_attn.G = config.num_key_value_heads;
    block.self_attn.E = config.head_dim;
  }
  model.norm.eps = config.rms_norm_eps;
  if (!tied) lm_head.emplace();
}

Tensor Llama::forward(const nn::Batch& batch, const Context& context) const {
  const Tensor tokens = context.empty({batch.T()}, DType::i32);
  if (!context.planning())
    std::copy(batch.tokens.begin(), batch.tokens.end(), tokens.data<std::int32_t>());
  Tensor x = model.embed_tokens(context, tokens);  // (T, D)
  context.show("embed_tokens", x);
  nn::BatchState state{batch,
                       op::rope_angles(context, batch.positions, config_.head_dim,
                                       config_.rope_theta, config_.rope_factors, x.dtype()),
                       {}};
  for (const nn::BatchSequence& sequence : batch.sequences) state.lengths.push_back(sequence.rows);

  for (std::size_t layer = 0; layer < model.layers.size(); ++layer) {
    if (context.stop != nullptr) context.stop->check("forward");
    const LlamaBlock& block = model.layers[layer];
    x = block.self_attn(context, x, block.input_layernorm(context, x), state,
                        static_cast<std::int64_t>(layer));
    x = block.mlp(context, x, block.post_attention_layernorm(context, x));
    context.show("layers." + std::to_string(layer), x);
  }
  if (batch.wanted.empty()) return Tensor();
  x = model.norm(context, op::gather_rows(context, x, batch.wanted));
  context.show("norm", x);
  const Parameter* head[] = {lm_head ? &lm_head->weight : &model.embed_tokens.weight};
  return op::linear(context, x, head);
}

void Llama::each_parameter(const std::function<void(const std::string&, Parameter&)>& f) {
  nn::each_parameter(model, "model", f);
  if (lm_head) nn::each_parameter(*lm_head, "lm_head", f);
}

std::unique_ptr<CausalLm> load_llama(const Checkpoint& checkpoint) {
  LlamaConfig config = LlamaConfig::from(checkpoint);
  const std::int64_t D = config.hidden_size, F = config.intermediate_size, V = config.vocab_size;
  const std::int64_t H = config.num_attention_heads, G = config.num_key_value_heads,
                     E = config.head_dim;
  Weights weights = checkpoint.weights({
      {"model.embed_tokens.weight", "token_embd.weight", {V, D}},
      {"model.layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight", {D}},
      {"model.layers.{}.self_attn.q_proj.weight", "blk.{}.attn_q.weight", {H * E, D}, H},
      {"model.layers.{}.self_attn.k_proj.weight", "blk.{}.attn_k.weight", {G * E, D}, G},
      {"model.layers.{}.self_attn.v_proj.weight", "blk.{}.attn_v.weight", {G * E, D}},
      {"model.layers.{}.self_attn.o_proj.weight", "blk.{}.attn_output.weight", {D, H * E}},
      {"model.layers.{}.post_attention_layernorm.weight", "blk.{}.ffn_norm.weight", {D}},
      {"model.layers.{}.mlp.gate_proj.weight", "blk.{}.ffn_gate.weight", {F, D}},
      {"model.layers.{}.mlp.up_proj.weight", "blk.{}.ffn_up.weight", {F, D}},
      {"model.layers.{}.mlp.down_proj.weight", "blk.{}.ffn_down.weight", {D, F}},
      {"model.norm.weight", "output_norm.weight", {D}},
      {"lm_head.weight", "output.weight", {V, D}},
      {kRopeFactors, "rope_freqs.weight", {E / 2}},
  });
  if (weights.has(kRopeFactors))
    config.rope_factors = rope_factors(weights.get(kRopeFactors), checkpoint.tensors.origin());
  const bool tied = config.tie_word_embeddings || !weights.has("lm_head.weight");
  auto llama = std::make_unique<Llama>(config, tied);
  if (tied) weights.pass_over("lm_head.weight");
  llama->each_parameter([&](const std::string& name, Parameter& parameter) {
    parameter = Parameter(weights.get(name));
  });
  weights.check_all_taken();
  return llama;
}

}  // namespace pomona::model
