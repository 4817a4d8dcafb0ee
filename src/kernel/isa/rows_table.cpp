// The table's part that works on rows: element-wise kernels, norms, attention and the KV cache.
#include "kernel/isa/functions.h"

namespace pomona::kernel::POMONA_LEVEL {

void add_rows(Table& table) { table.f32 = MathTable<float>{}; }

const MathTable<double>& math_f64() {
  static constexpr MathTable<double> kMath{};
  return kMath;
}

}  // namespace pomona::kernel::POMONA_LEVEL
