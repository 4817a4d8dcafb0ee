#include "model/llama.h"

#include "base/error.h"
#include "model/weights.h"

namespace pomona::model {

LlamaConfig LlamaConfig::from_gguf(const store::GgufFile& file) {
  const store::GgufMetadata& meta = file.metadata();
  const auto size = [&](std::string_view key) {
    const std::uint64_t value = meta.unsigned_integer(key);
    if (value == 0 || value > (1u << 24)) {
      fail(ErrorKind::bad_file, "{}: {} is {}, which no model has", meta.origin(), key, value);
    }
    return static_cast<std::int64_t>(value);
  };
  LlamaConfig config;
  config.hidden_size = size("llama.embedding_length");
  config.intermediate_size = size("llama.feed_forward_length");
  config.num_hidden_layers = size("llama.block_count");
  if (static_cast<std::size_t>(config.num_hidden_layers) > file.tensors().size()) {
    fail(ErrorKind::bad_file, "{}: {} layers declared, {} tensors in the file", meta.origin(),
         config.num_hidden_layers, file.tensors().size());
  }
  config.num_attention_heads = size("llama.attention.head_count");
  config.num_key_value_heads = meta.find("llama.attention.head_count_kv") != nullptr
                                   ? size("llama.attention.head_count_kv")
                                   : config.num_attention_heads;
  config.max_position_embeddings = size("llama.context_length");
  config.rms_norm_eps = meta.real("llama.attention.layer_norm_rms_epsilon");
  config.rope_theta = meta.real("llama.rope.freq_base", 10000.0);
  config.head_dim = static_cast<std::int64_t>(meta.unsigned_integer(
      "llama.attention.key_length",
      static_cast<std::uint64_t>(config.hidden_size / config.num_attention_heads)));
  if (config.num_attention_heads % config.num_key_value_heads != 0) {
    fail(ErrorKind::bad_file, "{}: {} heads do not divide into {} groups", meta.origin(),
         config.num_attention_heads, config.num_key_value_heads);
  }
  if (meta.find("llama.rope.scaling.type") != nullptr &&
      meta.string("llama.rope.scaling.type") != "none") {
    fail(ErrorKind::unsupported, "{}: RoPE scaling \"{}\" is not supported", meta.origin(),
         meta.string("llama.rope.scaling.type"));
  }
  const auto head_dim = static_cast<std::uint64_t>(config.head_dim);
  if (config.head_dim % 16 != 0 || config.head_dim > 256 ||
      meta.unsigned_integer("llama.attention.value_length", head_dim) != head_dim ||
      meta.unsigned_integer("llama.rope.dimension_count", head_dim) != head_dim) {
    fail(ErrorKind::unsupported,
         "{}: heads of {} that are no multiple of 16 up to 256, or are rotated or mixed in other "
         "sizes, are not supported",
         meta.origin(), config.head_dim);
  }
  const std::vector<std::int64_t> table = file.tensor("token_embd.weight").shape();
  config.vocab_size = table.empty() ? 0 : table.front();
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
  nn::BatchState state{
      batch,
      op::rope_angles(context, batch.positions, config_.head_dim, config_.rope_theta, x.dtype()),
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

std::unique_ptr<CausalLm> load_llama(const store::GgufFile& file) {
  const LlamaConfig config = LlamaConfig::from_gguf(file);
  const std::int64_t D = config.hidden_size, F = config.intermediate_size, V = config.vocab_size;
  const std::int64_t H = config.num_attention_heads, G = config.num_key_value_heads,
                     E = config.head_dim;
  const GgufWeights weights(
      file,
      {
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
      });
  auto llama = std::make_unique<Llama>(config, !weights.has("lm_head.weight"));
  llama->each_parameter([&](const std::string& name, Parameter& parameter) {
    parameter = Parameter(weights.get(name));
  });
  return llama;
}

}  // namespace pomona::model
