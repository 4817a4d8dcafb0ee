// The small modules that transformers are wired from. Shapes: docs/notation.md.
#pragma once
#include "nn/batch.h"
#include "nn/module.h"
#include "op/ops.h"

namespace pomona::nn {

/// A token table (V, D); the same weight may serve as the output head.
struct Embedding {
  Parameter weight;
  template <class Visit>
  void each(Visit&& visit) {
    visit("weight", weight);
  }

  Tensor operator()(const Context& context, const Tensor& tokens) const {
    return op::embedding(context, weight.value, tokens);
  }
};

/// y = x W^T, W (N, K).
struct Linear {
  Parameter weight;
  template <class Visit>
  void each(Visit&& visit) {
    visit("weight", weight);
  }

  Tensor operator()(const Context& context, const Tensor& x) const {
    const Parameter* weights[] = {&weight};
    return op::linear(context, x, weights);
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

/// Grouped-query attention with rotary positions (Ainslie et al. 2023, arXiv:2305.13245).
struct Attention {
  Linear q_proj, k_proj, v_proj, o_proj;
  std::int64_t H = 0, G = 0, E = 0;  // query heads, KV heads, head size
  template <class Visit>
  void each(Visit&& visit) {
    visit("q_proj", q_proj);
    visit("k_proj", k_proj);
    visit("v_proj", v_proj);
    visit("o_proj", o_proj);
  }

  /// residual (T, D) + attention of x (T, D) in layer `layer`.
  Tensor operator()(const Context& context, const Tensor& residual, const Tensor& x,
                    const BatchState& state, std::int64_t layer) const;
};

/// Gated feed-forward layer (Shazeer 2020, arXiv:2002.05202, eq. 6).
struct SwiGlu {
  Linear gate_proj, up_proj, down_proj;
  template <class Visit>
  void each(Visit&& visit) {
    visit("gate_proj", gate_proj);
    visit("up_proj", up_proj);
    visit("down_proj", down_proj);
  }

  /// residual (T, D) + down(silu(gate x) * up x).
  Tensor operator()(const Context& context, const Tensor& residual, const Tensor& x) const;
};

}  // namespace pomona::nn
