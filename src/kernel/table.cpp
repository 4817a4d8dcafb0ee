// Chooses among the levels' tables.
#include "kernel/table.h"

#include "base/error.h"

namespace pomona::kernel {

namespace portable {
const Table& level_table();
const MathTable<double>& math_f64();
}  // namespace portable
#if defined(__x86_64__)
namespace avx2 {
const Table& level_table();
}
namespace avx512 {
const Table& level_table();
}
#endif

const Table& table(simd::Level level) {
  if (level > simd::highest_level()) {
    fail(ErrorKind::unsupported, "kernels: this processor has no {}, its highest level is {}",
         simd::name_of(level), simd::name_of(simd::highest_level()));
  }
#if defined(__x86_64__)
  if (level == simd::Level::avx512) return avx512::level_table();
  if (level == simd::Level::avx2) return avx2::level_table();
#endif
  return portable::level_table();
}

const Table& table() {
  static const Table& chosen = table(simd::level_in_use());
  return chosen;
}

const MathTable<double>& oracle() { return portable::math_f64(); }

}  // namespace pomona::kernel
