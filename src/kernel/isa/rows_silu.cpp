// The gated activation silu(gate) * up (Shazeer 2020, arXiv:2002.05202, eq. 5) and its gradient.
#include "kernel/isa/exp.h"
#include "kernel/isa/row_loops.h"
#include "kernel/isa/rows.h"

namespace pomona::kernel::POMONA_LEVEL {
namespace {

template <class T>
[[gnu::always_inline]] inline Vec<T> sigmoid(Vec<T> x) {
  const Vec<T> one = broadcast(static_cast<T>(1));
  return one / (one + exp(-x));
}

/// Within 5 ulp for |gate| < 86.
template <class T>
void silu_mul(const T* gate, const T* up, std::int64_t x_stride, T* y, std::int64_t y_stride,
              std::int64_t rows, std::int64_t F) {
  for (std::int64_t row = 0; row < rows; ++row) {
    const T* const g = gate + row * x_stride;
    const T* const u = up + row * x_stride;
    T* const to = y + row * y_stride;
    each_vector<T>(F, [=](std::int64_t i, auto width) {
      const Vec<T> v = load(g + i, width);
      const Vec<T> one = broadcast(static_cast<T>(1));
      store(to + i, v / (one + exp(-v)) * load(u + i, width), width);
    });
  }
}

/// dy is (rows, F) without gaps. silu'(g) = s (1 + g (1 - s)) with s = sigmoid(g).
template <class T>
void silu_mul_back(const T* dy, const T* gate, const T* up, std::int64_t x_stride, T* dgate, T* dup,
                   std::int64_t dx_stride, std::int64_t rows, std::int64_t F) {
  for (std::int64_t row = 0; row < rows; ++row) {
    const T* const d = dy + row * F;
    const T* const g = gate + row * x_stride;
    const T* const u = up + row * x_stride;
    each_vector<T>(F, [=](std::int64_t i, auto width) {
      const Vec<T> one = broadcast(static_cast<T>(1));
      const Vec<T> v = load(g + i, width);
      const Vec<T> s = sigmoid<T>(v);
      const Vec<T> dv = load(d + i, width);
      if (dup) {
        T* const to = dup + row * dx_stride + i;
        store(to, load(to, width) + dv * v * s, width);
      }
      if (dgate) {
        T* const to = dgate + row * dx_stride + i;
        const Vec<T> slope = s * (one + v * (one - s));
        store(to, load(to, width) + dv * load(u + i, width) * slope, width);
      }
    });
  }
}

template <class T>
void fill(MathTable<T>& table) {
  table.silu_mul = silu_mul<T>;
  table.silu_mul_back = silu_mul_back<T>;
}

}  // namespace

void add_silu(MathTable<float>& table) { fill(table); }
#if POMONA_LEVEL_ID == 0
void add_silu(MathTable<double>& table) { fill(table); }
#endif

}  // namespace pomona::kernel::POMONA_LEVEL
