// GPT-2 (Radford et al. 2019, "Language Models are Unsupervised Multitask Learners"): learned
// positions, pre-normalised blocks with LayerNorm (Ba et al. 2016, arXiv:1607.06450) and biases,
// one matrix for queries, keys and values, GELU (Hendrycks and Gimpel 2016, arXiv:1606.08415).
#include <cmath>
#include <optional>

#include "model/decoder.h"
#include "model/decoder_config.h"
#include "model/families.h"
#include "nn/layers.h"

namespace pomona::model {
namespace {

struct Gpt2Attention : nn::AttentionHeads {
  nn::Linear c_attn, c_proj;
  template <class Visit>
  void each(Visit&& visit) {
    visit("c_attn", c_attn);
    visit("c_proj", c_proj);
  }
};

struct Gpt2Mlp {
  nn::Linear c_fc, c_proj;
  op::Activation activation = op::Activation::gelu_tanh;
  template <class Visit>
  void each(Visit&& visit) {
    visit("c_fc", c_fc);
    visit("c_proj", c_proj);
  }
};

struct Gpt2Block {
  Gpt2Block(const LmShape& shape, const Config& numbers, std::int64_t layer) {
    for (nn::LayerNorm* norm : {&ln_1, &ln_2}) {
      norm->bias.emplace();
      norm->eps = numbers.positive("layer_norm_eps");
    }
    for (nn::Linear* map : {&attn.c_attn, &attn.c_proj, &mlp.c_fc, &mlp.c_proj})
      map->bias.emplace();
    attn.H = shape.H;
    attn.G = shape.G;
    attn.E = shape.E;
    attn.options.scale =
        numbers.flag("scale_attn_weights", true) ? 1 / std::sqrt(static_cast<double>(shape.E)) : 1;
    if (numbers.flag("scale_attn_by_inverse_layer_idx", false))
      attn.options.scale /= static_cast<double>(layer + 1);
    mlp.activation = read_activation(numbers, "hidden_act", "gelu_new");
  }

  nn::LayerNorm ln_1;
  Gpt2Attention attn;
  nn::LayerNorm ln_2;
  Gpt2Mlp mlp;
  template <class Visit>
  void each(Visit&& visit) {
    visit("ln_1", ln_1);
    visit("attn", attn);
    visit("ln_2", ln_2);
    visit("mlp", mlp);
  }

  Tensor operator()(const Context& context, const Tensor& x, const nn::BatchState& state,
                    std::int64_t layer) const {
    const Tensor qkv = attn.c_attn(context, ln_1(context, x));
    const Tensor y = attn.c_proj(context, x, attn(context, qkv, state, layer));
    const Tensor inner = mlp.c_fc(context, ln_2(context, y));
    return mlp.c_proj(context, y, op::activate(context, inner, mlp.activation));
  }
};

struct Gpt2Transformer {
  nn::Embedding wte, wpe;
  std::vector<Gpt2Block> h;
  nn::LayerNorm ln_f;
  template <class Visit>
  void each(Visit&& visit) {
    visit("wte", wte);
    visit("wpe", wpe);
    for (std::size_t i = 0; i < h.size(); ++i) visit("h." + std::to_string(i), h[i]);
    visit("ln_f", ln_f);
  }
};

class Gpt2 : public Decoder {
 public:
  Gpt2(const LmShape& shape, const Config& numbers, bool tied) : Decoder(shape, {}) {
    for (std::int64_t layer = 0; layer < shape.L; ++layer)
      transformer.h.emplace_back(shape, numbers, layer);
    transformer.ln_f.bias.emplace();
    transformer.ln_f.eps = numbers.positive("layer_norm_eps");
    if (!tied) lm_head.emplace();
  }

  void each_parameter(const std::function<void(const std::string&, Parameter&)>& f) override {
    nn::each_parameter(transformer, "transformer", f);
    if (lm_head) nn::each_parameter(*lm_head, "lm_head", f);
  }

  Gpt2Transformer transformer;
  std::optional<nn::Linear> lm_head;  // absent: the embedding serves as head

 private:
  Tensor embed(const Context& context, const Tensor& tokens,
               const nn::Batch& batch) const override {
    const Tensor positions = row_numbers(context, batch.positions);
    return op::add(context, transformer.wte(context, tokens), transformer.wpe(context, positions));
  }
  nn::Embedding& token_embedding() override { return transformer.wte; }
  Tensor block(const Context& context, const Tensor& x, const nn::BatchState& state,
               std::int64_t layer) const override {
    return transformer.h[static_cast<std::size_t>(layer)](context, x, state, layer);
  }
  Tensor last_norm(const Context& context, const Tensor& x) const override {
    return transformer.ln_f(context, x);
  }
  Tensor head(const Context& context, const Tensor& x) const override {
    const Parameter* weight[] = {lm_head ? &lm_head->weight : &transformer.wte.weight};
    return op::linear(context, x, weight);
  }
};

std::vector<WeightName> names(const LmShape& shape) {
  const std::int64_t D = shape.D, F = shape.F, HE = shape.H * shape.E,
                     QKV = HE + 2 * shape.G * shape.E;
  const auto matrix = [](std::string hub, std::string gguf, std::int64_t N, std::int64_t K) {
    return WeightName{
        .hub = std::move(hub), .gguf = std::move(gguf), .shape = {N, K}, .hub_transposed = true};
  };
  return {
      {"transformer.wte.weight", "token_embd.weight", {shape.V, D}},
      {"transformer.wpe.weight", "position_embd.weight", {shape.context, D}},
      {"transformer.h.{}.ln_1.weight", "blk.{}.attn_norm.weight", {D}},
      {"transformer.h.{}.ln_1.bias", "blk.{}.attn_norm.bias", {D}},
      matrix("transformer.h.{}.attn.c_attn.weight", "blk.{}.attn_qkv.weight", QKV, D),
      {"transformer.h.{}.attn.c_attn.bias", "blk.{}.attn_qkv.bias", {QKV}},
      matrix("transformer.h.{}.attn.c_proj.weight", "blk.{}.attn_output.weight", D, HE),
      {"transformer.h.{}.attn.c_proj.bias", "blk.{}.attn_output.bias", {D}},
      {"transformer.h.{}.ln_2.weight", "blk.{}.ffn_norm.weight", {D}},
      {"transformer.h.{}.ln_2.bias", "blk.{}.ffn_norm.bias", {D}},
      matrix("transformer.h.{}.mlp.c_fc.weight", "blk.{}.ffn_up.weight", F, D),
      {"transformer.h.{}.mlp.c_fc.bias", "blk.{}.ffn_up.bias", {F}},
      matrix("transformer.h.{}.mlp.c_proj.weight", "blk.{}.ffn_down.weight", D, F),
      {"transformer.h.{}.mlp.c_proj.bias", "blk.{}.ffn_down.bias", {D}},
      {"transformer.ln_f.weight", "output_norm.weight", {D}},
      {"transformer.ln_f.bias", "output_norm.bias", {D}},
      {"lm_head.weight", "output.weight", {shape.V, D}},
  };
}

/// Under the names of today, and with what old files leave out: the first ones call the
/// transformer's parts without it.
Checkpoint of_today(Checkpoint checkpoint) {
  if (checkpoint.config.from_gguf()) return checkpoint;
  if (checkpoint.tensors.find("wte.weight") != nullptr) {
    checkpoint = checkpoint.renamed([](const std::string& name) {
      return std::optional(name == "lm_head.weight" ? name : "transformer." + name);
    });
  }
  const std::int64_t D = checkpoint.config.size("hidden_size");
  checkpoint.config = checkpoint.config.with_defaults(
      {{"intermediate_size", 4 * D}, {"tie_word_embeddings", true}});
  return checkpoint;
}

}  // namespace

std::unique_ptr<CausalLm> load_gpt2(const Checkpoint& stored) {
  const Checkpoint checkpoint = of_today(stored);
  const Config& numbers = checkpoint.config;
  const LmShape shape =
      read_shape(checkpoint, numbers.from_gguf() ? "token_embd.weight" : "transformer.wte.weight");
  Weights weights = checkpoint.weights(names(shape));
  const bool tied = !weights.has("lm_head.weight") ||
                    (numbers.flag("tie_word_embeddings", false) &&
                     weights.are_same("lm_head.weight", "transformer.wte.weight"));
  auto lm = std::make_unique<Gpt2>(shape, numbers, tied);
  if (tied) weights.pass_over("lm_head.weight");
  weights.pass_over_stored("transformer.h.{}.attn.bias");  // masks of old files
  weights.pass_over_stored("transformer.h.{}.attn.masked_bias");
  take_parameters(*lm, weights);
  return lm;
}

}  // namespace pomona::model
