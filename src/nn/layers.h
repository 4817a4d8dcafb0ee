// The small modules that transformers are wired from. Shapes: docs/notation.md.
#pragma once
#include <initializer_list>
#include <optional>

#include "nn/batch.h"
#include "nn/module.h"
#include "op/ops.h"

namespace pomona::nn {

/// A token table (V, D); the same weight may serve as the output head.
struct Embedding {
  Parameter weight;
  std::shared_ptr<const VirtualTokens> virtual_tokens;  // numbered behind the table; null: none
  template <class Visit>
  void each(Visit&& visit) {
    visit("weight", weight);
  }

  Tensor operator()(const Context& context, const Tensor& tokens) const {
    return op::embedding(context, weight.value, tokens,
                         virtual_tokens ? virtual_tokens->embeddings.value : Tensor());
  }
};

/// y = x W^T + b, W (N, K), b (N) where the checkpoint has one.
struct Linear {
  Parameter weight;
  std::optional<Parameter> bias;
  template <class Visit>
  void each(Visit&& visit) {
    visit("weight", weight);
    if (bias) visit("bias", *bias);
  }

  const Parameter* bias_or_null() const { return bias ? &*bias : nullptr; }

  Tensor operator()(const Context& context, const Tensor& x) const;
  /// residual + the map of x; see op::linear_add.
  Tensor operator()(const Context& context, const Tensor& residual, const Tensor& x) const {
    return op::linear_add(context, residual, x, weight, bias_or_null());
  }
};

/// The maps of x (T, K), side by side: (T, sum N_i).
Tensor side_by_side(const Context& context, const Tensor& x,
                    std::initializer_list<const Linear*> maps);

struct LayerNorm {
  Parameter weight;
  std::optional<Parameter> bias;
  double eps = 1e-5;
  template <class Visit>
  void each(Visit&& visit) {
    visit("weight", weight);
    if (bias) visit("bias", *bias);
  }

  Tensor operator()(const Context& context, const Tensor& x) const {
    return op::layer_norm(context, x, weight.value, bias ? bias->value : Tensor(), eps);
  }
};

struct RmsNorm {
  Parameter weight;
  double eps = 1e-5;
  template <class Visit>
  void each(Visit&& visit) {
    visit("weight", weight);
  }

  Tensor operator()(const Context& context, const Tensor& x) const {
    return op::rms_norm(context, x, weight.value, eps);
  }
};

/// Attention between its products: what queries, keys and values become.
struct AttentionHeads {
  std::int64_t H = 0, G = 0, E = 0;  // query heads, KV heads, head size
  op::AttentionOptions options;

  /// qkv (T, (H + 2G) E), queries, keys and values side by side -> (T, H E), in layer `layer`. The
  /// norms are of each head (weight (E)) or of all (H E and G E), null for none; queries and keys
  /// turn by state.angles, (T, R) with R <= E, undefined for none.
  Tensor operator()(const Context& context, const Tensor& qkv, const BatchState& state,
                    std::int64_t layer, const RmsNorm* q_norm = nullptr,
                    const RmsNorm* k_norm = nullptr) const;
};

/// Grouped-query attention with rotary positions (Ainslie et al. 2023, arXiv:2305.13245), queries
/// and keys normalised where the checkpoint says so (Henry et al. 2020, arXiv:2010.04245).
struct Attention : AttentionHeads {
  Linear q_proj, k_proj, v_proj, o_proj;
  std::optional<RmsNorm> q_norm, k_norm;
  template <class Visit>
  void each(Visit&& visit) {
    visit("q_proj", q_proj);
    visit("k_proj", k_proj);
    visit("v_proj", v_proj);
    visit("o_proj", o_proj);
    if (q_norm) visit("q_norm", *q_norm);
    if (k_norm) visit("k_norm", *k_norm);
  }

  /// Attention of x (T, D) in layer `layer`.
  Tensor operator()(const Context& context, const Tensor& x, const BatchState& state,
                    std::int64_t layer) const {
    return o_proj(context, heads(context, x, state, layer));
  }
  /// residual (T, D) + the same.
  Tensor operator()(const Context& context, const Tensor& residual, const Tensor& x,
                    const BatchState& state, std::int64_t layer) const {
    return o_proj(context, residual, heads(context, x, state, layer));
  }

 private:
  Tensor heads(const Context& context, const Tensor& x, const BatchState& state,
               std::int64_t layer) const;
};

/// Gated feed-forward layer (Shazeer 2020, arXiv:2002.05202, eq. 6).
struct GatedMlp {
  Linear gate_proj, up_proj, down_proj;
  op::Activation activation = op::Activation::silu;
  template <class Visit>
  void each(Visit&& visit) {
    visit("gate_proj", gate_proj);
    visit("up_proj", up_proj);
    visit("down_proj", down_proj);
  }

  /// down(a(gate x) * up x), x (T, D).
  Tensor operator()(const Context& context, const Tensor& x) const {
    return down_proj(context, inner(context, x));
  }
  /// residual (T, D) + the same.
  Tensor operator()(const Context& context, const Tensor& residual, const Tensor& x) const {
    return down_proj(context, residual, inner(context, x));
  }

 private:
  Tensor inner(const Context& context, const Tensor& x) const {
    return op::gated(context, side_by_side(context, x, {&gate_proj, &up_proj}), activation);
  }
};

}  // namespace pomona::nn
