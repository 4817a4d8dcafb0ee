#include "model/causal_lm.h"

namespace pomona::model {

nn::KvShape kv_shape(const LmShape& shape, Compute compute) {
  const auto kind = compute == Compute::f32 ? kernel::KvKind::f32 : kernel::KvKind::bf16;
  return {shape.L, shape.G, shape.E, kind};
}

}  // namespace pomona::model
