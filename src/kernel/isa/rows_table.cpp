// The table's part that works on rows: element-wise kernels, norms, attention and the KV cache.
#include "kernel/isa/functions.h"
#include "kernel/isa/rows.h"

namespace pomona::kernel::POMONA_LEVEL {
namespace {

template <class T>
void fill(MathTable<T>& table) {
  add_norm(table);
  add_rope(table);
  add_activation(table);
  add_loss(table);
  add_sum(table);
  add_matmul(table);
  add_attention(table);
  add_optimiser(table);
}

}  // namespace

void add_rows(Table& table) {
  fill(table.f32);
  add_sampling(table);
  add_kv_store(table);
  add_paged_attention(table);
}

#if POMONA_LEVEL_ID == 0
const MathTable<double>& math_f64() {
  static const MathTable<double> kMath = [] {
    MathTable<double> table{};
    fill(table);
    return table;
  }();
  return kMath;
}
#endif

}  // namespace pomona::kernel::POMONA_LEVEL
