#include "model/llama.h"

#include <cmath>

#include "base/error.h"
#include "base/quote.h"
#include "model/weights.h"

namespace pomona::model {

namespace {

/// Reads the file's numbers, each within what a model can have.
class Keys {
 public:
  explicit Keys(const store::GgufMetadata& meta) : meta_(meta) {}

  std::int64_t size(std::string_view key) const {
    constexpr std::uint64_t kLargest = 1 << 24;
    const std::uint64_t value = meta_.unsigned_integer(key);
    if (value == 0 || value > kLargest)
      fail(ErrorKind::bad_file, "{}: {} is {}, expected 1 to {}", meta_.origin(), key, value,
           kLargest);
    return static_cast<std::int64_t>(value);
  }
  std::int64_t size(std::string_view key, std::int64_t fallback) const {
    return meta_.find(key) != nullptr ? size(key) : fallback;
  }
  double positive(std::string_view key, double value) const {
    if (!(value > 0) || !std::isfinite(value))
      fail(ErrorKind::bad_file, "{}: {} is {}, expected a number above 0", meta_.origin(), key,
           value);
    return value;
  }
  /// Throws unless `whole` is a multiple of `part`.
  void check_divides(std::string_view whole_key, std::int64_t whole, std::string_view part_key,
                     std::int64_t part) const {
    if (whole % part != 0)
      fail(ErrorKind::bad_file, "{}: {} is {}, expected a multiple of {}, which is {}",
           meta_.origin(), whole_key, whole, part_key, part);
  }

 private:
  const store::GgufMetadata& meta_;
};

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
void check_variant(const store::GgufMetadata& meta, std::int64_t head_dim) {
  const std::string_view scaling = meta.string("llama.rope.scaling.type", "none");
  if (scaling != "none")
    fail(ErrorKind::unsupported, "{}: RoPE scaling {} is not supported", meta.origin(),
         quote_name(scaling));
  for (const std::string_view key : {"llama.rope.scaling.factor", "llama.rope.scale_linear"}) {
    const bool linear = meta.find("llama.rope.scaling.type") == nullptr;  // the type left out
    if (const double factor = meta.real(key, 1); linear && factor != 0 && factor != 1)
      fail(ErrorKind::unsupported, "{}: {} is {}, RoPE scaling is not supported", meta.origin(),
           key, factor);
  }
  if (const std::uint64_t experts = meta.unsigned_integer("llama.expert_count", 0); experts != 0)
    fail(ErrorKind::unsupported, "{}: a mixture of {} experts is not supported", meta.origin(),
         experts);
  if (head_dim % 16 != 0 || head_dim > 256)
    fail(ErrorKind::unsupported,
         "{}: heads of {} values are not supported, only multiples of 16 up to 256", meta.origin(),
         head_dim);
  const auto E = static_cast<std::uint64_t>(head_dim);
  for (const std::string_view key :
       {"llama.attention.value_length", "llama.rope.dimension_count"}) {
    if (const std::uint64_t found = meta.unsigned_integer(key, E); found != E)
      fail(ErrorKind::unsupported, "{}: {} is {}, only the size of the heads, {}, is supported",
           meta.origin(), key, found, E);
  }
}

}  // namespace

LlamaConfig LlamaConfig::from_gguf(const store::GgufFile& file) {
  const store::GgufMetadata& meta = file.metadata();
  const Keys keys(meta);
  LlamaConfig config;
  const std::int64_t D = config.hidden_size = keys.size("llama.embedding_length");
  config.intermediate_size = keys.size("llama.feed_forward_length");
  config.num_hidden_layers = keys.size("llama.block_count");
  if (static_cast<std::size_t>(config.num_hidden_layers) > file.tensors().size())
    fail(ErrorKind::bad_file, "{}: llama.block_count is {}, but there are {} tensors in all",
         meta.origin(), config.num_hidden_layers, file.tensors().size());
  const std::int64_t H = config.num_attention_heads = keys.size("llama.attention.head_count");
  const std::int64_t G = config.num_key_value_heads = keys.size("llama.attention.head_count_kv", H);
  keys.check_divides("llama.attention.head_count", H, "llama.attention.head_count_kv", G);
  if (meta.find("llama.attention.key_length") == nullptr)
    keys.check_divides("llama.embedding_length", D, "llama.attention.head_count", H);
  config.head_dim = keys.size("llama.attention.key_length", D / H);
  config.max_position_embeddings = keys.size("llama.context_length");
  config.rms_norm_eps = keys.positive("llama.attention.layer_norm_rms_epsilon",
                                      meta.real("llama.attention.layer_norm_rms_epsilon"));
  config.rope_theta =
      keys.positive("llama.rope.freq_base", meta.real("llama.rope.freq_base", config.rope_theta));
  check_variant(meta, config.head_dim);
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

std::unique_ptr<CausalLm> load_llama(const store::GgufFile& file) {
  LlamaConfig config = LlamaConfig::from_gguf(file);
  const std::int64_t D = config.hidden_size, F = config.intermediate_size, V = config.vocab_size;
  const std::int64_t H = config.num_attention_heads, G = config.num_key_value_heads,
                     E = config.head_dim;
  GgufWeights weights(
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
          {kRopeFactors, "rope_freqs.weight", {E / 2}},
      });
  if (weights.has(kRopeFactors))
    config.rope_factors = rope_factors(weights.get(kRopeFactors), file.metadata().origin());
  auto llama = std::make_unique<Llama>(config, !weights.has("lm_head.weight"));
  llama->each_parameter([&](const std::string& name, Parameter& parameter) {
    parameter = Parameter(weights.get(name));
  });
  weights.check_all_taken();
  return llama;
}

}  // namespace pomona::model
