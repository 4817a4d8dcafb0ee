// Sums, multiples and soft caps of values.
#include "kernel/isa/row_loops.h"
#include "kernel/isa/rows.h"
#include "kernel/isa/sigmoids.h"

namespace pomona::kernel::POMONA_LEVEL {
namespace {

template <class T>
void add(const T* x, T* y, std::int64_t n) {
  each_vector<T>(n, [=](std::int64_t i, auto width) {
    store(y + i, load(y + i, width) + load(x + i, width), width);
  });
}

template <class T>
void scale(const T* x, T factor, T* y, std::int64_t n) {
  each_vector<T>(n, [=](std::int64_t i, auto width) {
    store(y + i, load(x + i, width) * broadcast(factor), width);
  });
}

/// Within 8 ulp.
template <class T>
void soft_cap(const T* x, T cap, T* y, std::int64_t n) {
  const T inverse = 1 / cap;
  each_vector<T>(n, [=](std::int64_t i, auto width) {
    store(y + i, tanh(load(x + i, width) * broadcast(inverse)) * broadcast(cap), width);
  });
}

template <class T>
void soft_cap_back(const T* dy, const T* y, T cap, T* dx, std::int64_t n) {
  const T inverse = 1 / cap;
  each_vector<T>(n, [=](std::int64_t i, auto width) {
    const Vec<T> part = load(y + i, width) * broadcast(inverse);
    const Vec<T> slope = broadcast(static_cast<T>(1)) - part * part;
    store(dx + i, load(dx + i, width) + load(dy + i, width) * slope, width);
  });
}

template <class T>
void fill(MathTable<T>& table) {
  table.add = add<T>;
  table.scale = scale<T>;
  table.soft_cap = soft_cap<T>;
  table.soft_cap_back = soft_cap_back<T>;
}

}  // namespace

void add_sum(MathTable<float>& table) { fill(table); }
#if POMONA_LEVEL_ID == 0
void add_sum(MathTable<double>& table) { fill(table); }
#endif

}  // namespace pomona::kernel::POMONA_LEVEL
