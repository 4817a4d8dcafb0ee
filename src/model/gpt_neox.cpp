// GPT-NeoX (Black et al. 2022, arXiv:2204.06745) and Pythia (Biderman et al. 2023,
// arXiv:2304.01373): GPT-2 with rotary positions in the first part of each head, attention and
// feed-forward layer side by side (section 2.1), and a head of its own. GGUF files do not tell the
// activation: the exact GELU, as Pythia has it.
#include "model/decoder.h"
#include "model/decoder_config.h"
#include "model/families.h"
#include "model/rope_config.h"
#include "nn/layers.h"

namespace pomona::model {
namespace {

struct NeoxAttention : nn::AttentionHeads {
  nn::Linear query_key_value, dense;
  template <class Visit>
  void each(Visit&& visit) {
    visit("query_key_value", query_key_value);
    visit("dense", dense);
  }
};

struct NeoxMlp {
  nn::Linear dense_h_to_4h, dense_4h_to_h;
  op::Activation activation = op::Activation::gelu_erf;
  template <class Visit>
  void each(Visit&& visit) {
    visit("dense_h_to_4h", dense_h_to_4h);
    visit("dense_4h_to_h", dense_4h_to_h);
  }
};

struct NeoxBlock {
  NeoxBlock(const LmShape& shape, const Config& numbers)
      : parallel(numbers.flag("use_parallel_residual", true)) {
    for (nn::LayerNorm* norm : {&input_layernorm, &post_attention_layernorm}) {
      norm->bias.emplace();
      norm->eps = numbers.positive("layer_norm_eps");
    }
    if (numbers.flag("attention_bias", true)) {
      attention.query_key_value.bias.emplace();
      attention.dense.bias.emplace();
    }
    mlp.dense_h_to_4h.bias.emplace();
    mlp.dense_4h_to_h.bias.emplace();
    attention.H = shape.H;
    attention.G = shape.G;
    attention.E = shape.E;
    mlp.activation = read_activation(numbers, "hidden_act", "gelu");
  }

  nn::LayerNorm input_layernorm, post_attention_layernorm;
  NeoxAttention attention;
  NeoxMlp mlp;
  bool parallel;
  template <class Visit>
  void each(Visit&& visit) {
    visit("input_layernorm", input_layernorm);
    visit("post_attention_layernorm", post_attention_layernorm);
    visit("attention", attention);
    visit("mlp", mlp);
  }

  Tensor operator()(const Context& context, const Tensor& x, const nn::BatchState& state,
                    std::int64_t layer) const {
    // Before the sum, which takes x's place.
    Tensor beside = parallel ? post_attention_layernorm(context, x) : Tensor();
    const Tensor qkv = attention.query_key_value(context, input_layernorm(context, x));
    const Tensor y = attention.dense(context, x, attention(context, qkv, state, layer));
    if (!parallel) beside = post_attention_layernorm(context, y);
    const Tensor inner = mlp.dense_h_to_4h(context, beside);
    return mlp.dense_4h_to_h(context, y, op::activate(context, inner, mlp.activation));
  }
};

struct NeoxStack {
  nn::Embedding embed_in;
  std::vector<NeoxBlock> layers;
  nn::LayerNorm final_layer_norm;
  template <class Visit>
  void each(Visit&& visit) {
    visit("embed_in", embed_in);
    for (std::size_t i = 0; i < layers.size(); ++i) visit("layers." + std::to_string(i), layers[i]);
    visit("final_layer_norm", final_layer_norm);
  }
};

class Neox : public Decoder {
 public:
  Neox(const LmShape& shape, const Config& numbers, const nn::RopeConfig& rope)
      : Decoder(shape, {rope}) {
    gpt_neox.layers.assign(static_cast<std::size_t>(shape.L), NeoxBlock(shape, numbers));
    gpt_neox.final_layer_norm.bias.emplace();
    gpt_neox.final_layer_norm.eps = numbers.positive("layer_norm_eps");
  }

  void each_parameter(const std::function<void(const std::string&, Parameter&)>& f) override {
    nn::each_parameter(gpt_neox, "gpt_neox", f);
    nn::each_parameter(embed_out, "embed_out", f);
  }

  NeoxStack gpt_neox;
  nn::Linear embed_out;

 private:
  Tensor embed(const Context& context, const Tensor& tokens, const nn::Batch&) const override {
    return gpt_neox.embed_in(context, tokens);
  }
  nn::Embedding& token_embedding() override { return gpt_neox.embed_in; }
  Tensor block(const Context& context, const Tensor& x, const nn::BatchState& state,
               std::int64_t layer) const override {
    return gpt_neox.layers[static_cast<std::size_t>(layer)](context, x, state, layer);
  }
  Tensor last_norm(const Context& context, const Tensor& x) const override {
    return gpt_neox.final_layer_norm(context, x);
  }
  Tensor head(const Context& context, const Tensor& x) const override {
    return embed_out(context, x);
  }
};

std::vector<WeightName> names(const LmShape& shape) {
  const std::int64_t D = shape.D, F = shape.F, HE = shape.H * shape.E;
  const auto fused = [&](std::string hub, std::string gguf, const Shape& size) {
    return WeightName{
        .hub = std::move(hub), .gguf = std::move(gguf), .shape = size, .hub_fused_heads = shape.H};
  };
  return {
      {"gpt_neox.embed_in.weight", "token_embd.weight", {shape.V, D}},
      {"gpt_neox.layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight", {D}},
      {"gpt_neox.layers.{}.input_layernorm.bias", "blk.{}.attn_norm.bias", {D}},
      {"gpt_neox.layers.{}.post_attention_layernorm.weight", "blk.{}.ffn_norm.weight", {D}},
      {"gpt_neox.layers.{}.post_attention_layernorm.bias", "blk.{}.ffn_norm.bias", {D}},
      fused("gpt_neox.layers.{}.attention.query_key_value.weight", "blk.{}.attn_qkv.weight",
            {3 * HE, D}),
      fused("gpt_neox.layers.{}.attention.query_key_value.bias", "blk.{}.attn_qkv.bias", {3 * HE}),
      {"gpt_neox.layers.{}.attention.dense.weight", "blk.{}.attn_output.weight", {D, HE}},
      {"gpt_neox.layers.{}.attention.dense.bias", "blk.{}.attn_output.bias", {D}},
      {"gpt_neox.layers.{}.mlp.dense_h_to_4h.weight", "blk.{}.ffn_up.weight", {F, D}},
      {"gpt_neox.layers.{}.mlp.dense_h_to_4h.bias", "blk.{}.ffn_up.bias", {F}},
      {"gpt_neox.layers.{}.mlp.dense_4h_to_h.weight", "blk.{}.ffn_down.weight", {D, F}},
      {"gpt_neox.layers.{}.mlp.dense_4h_to_h.bias", "blk.{}.ffn_down.bias", {D}},
      {"gpt_neox.final_layer_norm.weight", "output_norm.weight", {D}},
      {"gpt_neox.final_layer_norm.bias", "output_norm.bias", {D}},
      {"embed_out.weight", "output.weight", {shape.V, D}},
  };
}

}  // namespace

std::unique_ptr<CausalLm> load_gpt_neox(const Checkpoint& stored) {
  Checkpoint checkpoint = stored;
  const bool gguf = checkpoint.config.from_gguf();
  if (!gguf) checkpoint.config = checkpoint.config.with_defaults({{"partial_rotary_factor", 0.25}});
  LmShape shape = read_shape(checkpoint, gguf ? "token_embd.weight" : "gpt_neox.embed_in.weight");
  shape.G = shape.H;  // there are no grouped heads
  auto lm = std::make_unique<Neox>(shape, checkpoint.config, read_rope(checkpoint, shape.E));
  Weights weights = checkpoint.weights(names(shape));
  for (const std::string_view name : {"bias", "masked_bias", "rotary_emb.inv_freq"})  // old masks
    weights.pass_over_stored("gpt_neox.layers.{}.attention." + std::string(name));
  take_parameters(*lm, weights);
  return lm;
}

}  // namespace pomona::model
