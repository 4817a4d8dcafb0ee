// What Gemma 2 and Gemma 3 share: blocks with a norm before and behind each part, GELU, an
// embedding scaled by the root of its width, and layers with a window between layers without (Gemma
// Team 2024, arXiv:2408.00118, section 2).
#pragma once
#include <memory>
#include <optional>

#include "model/families.h"
#include "model/llama_like.h"

namespace pomona::model {

struct GemmaConfig : LlamaConfig {
  double query_scale = 0;             // of the scores
  double attn_logit_softcapping = 0;  // 0: none, and below
  double final_logit_softcapping = 0;
  double embedding_scale = 1;
  op::Activation hidden_activation = op::Activation::gelu_tanh;
  std::optional<nn::RopeConfig> local_rope =
      {};  // of sliding layers, where they turn in their own way

  /// The layers' kinds as config.json names them, else each `period`-th sees everything. GGUF files
  /// do not tell the scale of the scores, save that a model of `widest` layers has another than
  /// its kin. Throws as LlamaConfig::from and read_windows.
  static GemmaConfig from(const Checkpoint& checkpoint, std::int64_t period, std::int64_t widest);
};

struct GemmaBlock {
  GemmaBlock(const GemmaConfig& config, std::int64_t layer);

  nn::RmsNorm input_layernorm, post_attention_layernorm;
  nn::Attention self_attn;
  nn::RmsNorm pre_feedforward_layernorm, post_feedforward_layernorm;
  nn::GatedMlp mlp;
  template <class Visit>
  void each(Visit&& visit) {
    visit("input_layernorm", input_layernorm);
    visit("self_attn", self_attn);
    visit("post_attention_layernorm", post_attention_layernorm);
    visit("pre_feedforward_layernorm", pre_feedforward_layernorm);
    visit("mlp", mlp);
    visit("post_feedforward_layernorm", post_feedforward_layernorm);
  }

  Tensor operator()(const Context& context, const Tensor& x, const nn::BatchState& state,
                    std::int64_t layer) const {
    const Tensor attended = self_attn(context, input_layernorm(context, x), state, layer);
    const Tensor y = op::add(context, x, post_attention_layernorm(context, attended));
    const Tensor fed = mlp(context, pre_feedforward_layernorm(context, y));
    return op::add(context, y, post_feedforward_layernorm(context, fed));
  }
};

class Gemma : public LlamaLike<GemmaBlock, GemmaConfig> {
 public:
  Gemma(const GemmaConfig& config, bool tied);
  double embedding_scale() const override { return config_.embedding_scale; }

 private:
  Tensor embed(const Context& context, const Tensor& tokens, const nn::Batch&) const override;
  Tensor head(const Context& context, const Tensor& x) const override;
  std::size_t rotation_of(std::int64_t layer) const override;

  GemmaConfig config_;
};

/// The models of the second and third generation with so many layers scale scores in another way.
inline constexpr std::int64_t kLayersOfLargestGemma2 = 46, kLayersOfLargestGemma3 = 62;

/// Whose inverse root scales the scores where a file does not say: the size of the heads, or in the
/// model of `widest` layers what each has of the width.
std::int64_t usual_query_scalar(const LmShape& shape, std::int64_t widest);

/// Throws as load_llama_like.
std::unique_ptr<CausalLm> load_gemma(const Checkpoint& checkpoint, const GemmaConfig& config);

}  // namespace pomona::model
