#include "model/causal_lm.h"

#include "base/error.h"

namespace pomona::model {

Parameter& CausalLm::token_table() {
  fail(ErrorKind::unsupported, "model: it has no table of tokens");
}

nn::KvShape kv_shape(const LmShape& shape, Compute compute, std::optional<kernel::KvKind> kind) {
  const auto suitable = compute == Compute::f32 ? kernel::KvKind::f32 : kernel::KvKind::bf16;
  return {shape.L, shape.G, shape.E, kind.value_or(suitable)};
}

}  // namespace pomona::model
