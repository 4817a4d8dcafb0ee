#include "nn/layers.h"

namespace pomona::nn {

Tensor Attention::operator()(const Context& context, const Tensor& residual, const Tensor& x,
                             const BatchState& state, std::int64_t layer) const {
  const Parameter* weights[] = {&q_proj.weight, &k_proj.weight, &v_proj.weight};
  const Tensor qkv = op::linear(context, x, weights);  // (T, (H + 2G) E)
  const Tensor q = op::rope(context, op::columns(context, qkv, 0, H * E), state.angles);
  const Tensor k = op::rope(context, op::columns(context, qkv, H * E, G * E), state.angles);
  const Tensor v = op::columns(context, qkv, (H + G) * E, G * E);
  const Tensor heads = attend(context, q, k, v, state, layer, E);
  return op::linear_add(context, residual, heads, o_proj.weight);
}

Tensor SwiGlu::operator()(const Context& context, const Tensor& residual, const Tensor& x) const {
  const Parameter* weights[] = {&gate_proj.weight, &up_proj.weight};
  const Tensor gate_up = op::linear(context, x, weights);  // (T, 2F)
  return op::linear_add(context, residual, op::silu_mul(context, gate_up), down_proj.weight);
}

}  // namespace pomona::nn
