#include "nn/layers.h"

namespace pomona::nn {

Tensor Linear::operator()(const Context& context, const Tensor& x) const {
  return side_by_side(context, x, {this});
}

Tensor side_by_side(const Context& context, const Tensor& x,
                    std::initializer_list<const Linear*> maps) {
  std::vector<const Parameter*> weights, biases;
  for (const Linear* map : maps) {
    weights.push_back(&map->weight);
    biases.push_back(map->bias_or_null());
  }
  return op::linear(context, x, weights, biases);
}

Tensor Attention::operator()(const Context& context, const Tensor& residual, const Tensor& x,
                             const BatchState& state, std::int64_t layer) const {
  const Tensor qkv = side_by_side(context, x, {&q_proj, &k_proj, &v_proj});  // (T, (H + 2G) E)
  const Tensor q = op::rope(context, op::columns(context, qkv, 0, H * E), state.angles);
  const Tensor k = op::rope(context, op::columns(context, qkv, H * E, G * E), state.angles);
  const Tensor v = op::columns(context, qkv, (H + G) * E, G * E);
  const Tensor heads = attend(context, q, k, v, state, layer, E);
  return o_proj(context, residual, heads);
}

}  // namespace pomona::nn
