#include "model/causal_lm.h"

#include <numeric>

#include "base/error.h"

namespace pomona::model {

Parameter& CausalLm::token_table() {
  fail(ErrorKind::unsupported, "model: it has no table of tokens");
}

std::vector<std::int32_t> CausalLm::with_virtual_tokens(
    std::span<const std::int32_t> tokens) const {
  std::vector<std::int32_t> all(static_cast<std::size_t>(virtual_count()));
  std::iota(all.begin(), all.end(), static_cast<std::int32_t>(shape().V));
  all.insert(all.end(), tokens.begin(), tokens.end());
  return all;
}

nn::KvShape kv_shape(const LmShape& shape, Compute compute, std::optional<kernel::KvKind> kind) {
  const auto suitable = compute == Compute::f32 ? kernel::KvKind::f32 : kernel::KvKind::bf16;
  return {shape.L, shape.G, shape.E, kind.value_or(suitable)};
}

}  // namespace pomona::model
