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

Tensor AttentionHeads::operator()(const Context& context, const Tensor& qkv,
                                  const BatchState& state, std::int64_t layer,
                                  const RmsNorm* q_norm, const RmsNorm* k_norm) const {
  const auto placed = [&](Tensor heads, const RmsNorm* norm) {
    if (norm != nullptr) heads = (*norm)(context, heads);
    return state.angles.defined() ? op::rope(context, heads, state.angles, E) : heads;
  };
  const Tensor q = placed(op::columns(context, qkv, 0, H * E), q_norm);
  Tensor k = placed(op::columns(context, qkv, H * E, G * E), k_norm);
  Tensor v = op::columns(context, qkv, (H + G) * E, G * E);
  if (const PrefixRows& prefix = state.prefix; !prefix.rows.empty()) {
    const auto at = static_cast<std::size_t>(layer);
    k = op::replace_rows(context, k, prefix.tokens->keys[at].value, prefix.rows, prefix.numbers);
    v = op::replace_rows(context, v, prefix.tokens->values[at].value, prefix.rows, prefix.numbers);
  }
  return attend(context, q, k, v, state, layer, E, options);
}

Tensor Attention::heads(const Context& context, const Tensor& x, const BatchState& state,
                        std::int64_t layer) const {
  const Tensor qkv = side_by_side(context, x, {&q_proj, &k_proj, &v_proj});
  return AttentionHeads::operator()(context, qkv, state, layer, q_norm ? &*q_norm : nullptr,
                                    k_norm ? &*k_norm : nullptr);
}

}  // namespace pomona::nn
