// Rotary position embedding (Su et al. 2021, arXiv:2104.09864, eq. 34) on pairs (i, i + R/2).
#include "kernel/isa/row_loops.h"
#include "kernel/isa/rows.h"

namespace pomona::kernel::POMONA_LEVEL {
namespace {

/// x and y may be the same rows.
template <class T>
void rope(const T* x, std::int64_t x_stride, const T* angles, T* y, std::int64_t y_stride,
          std::int64_t rows, std::int64_t heads, std::int64_t E, std::int64_t R, int direction) {
  const std::int64_t half = R / 2;
  const Vec<T> turn = broadcast(static_cast<T>(direction));
  for (std::int64_t row = 0; row < rows; ++row) {
    const T* const cosines = angles + row * R;
    for (std::int64_t head = 0; head < heads; ++head) {
      const T* const from = x + row * x_stride + head * E;
      T* const to = y + row * y_stride + head * E;
      each_vector<T>(half, [=](std::int64_t i, auto width) {
        const Vec<T> c = load(cosines + i, width);
        const Vec<T> s = load(cosines + half + i, width) * turn;
        const Vec<T> a = load(from + i, width);
        const Vec<T> b = load(from + half + i, width);
        store(to + i, a * c - b * s, width);
        store(to + half + i, b * c + a * s, width);
      });
      if (R < E && x != y) {
        each_vector<T>(E - R, [=](std::int64_t i, auto width) {
          store(to + R + i, load(from + R + i, width), width);
        });
      }
    }
  }
}

}  // namespace

void add_rope(MathTable<float>& table) { table.rope = rope<float>; }
#if POMONA_LEVEL_ID == 0
void add_rope(MathTable<double>& table) { table.rope = rope<double>; }
#endif

}  // namespace pomona::kernel::POMONA_LEVEL
