// The residual connection's sum.
#include "kernel/isa/row_loops.h"
#include "kernel/isa/rows.h"

namespace pomona::kernel::POMONA_LEVEL {
namespace {

template <class T>
void add(const T* x, T* y, std::int64_t n) {
  each_vector<T>(n, [=](std::int64_t i, auto width) {
    store(y + i, load(y + i, width) + load(x + i, width), width);
  });
}

}  // namespace

void add_sum(MathTable<float>& table) { table.add = add<float>; }
#if POMONA_LEVEL_ID == 0
void add_sum(MathTable<double>& table) { table.add = add<double>; }
#endif

}  // namespace pomona::kernel::POMONA_LEVEL
