// What optimisers do to each weight, in one pass over memory: AdamW (Loshchilov and Hutter 2019,
// arXiv:1711.05101, algorithm 2) and descent with momentum, rounded in PyTorch's order.
#include "kernel/isa/row_loops.h"
#include "kernel/isa/rows.h"

namespace pomona::kernel::POMONA_LEVEL {
namespace {

[[gnu::always_inline]] inline Vec<float> root(Vec<float> v) {
#if POMONA_LEVEL_ID == 2
  return (Vec<float>)_mm512_sqrt_ps((__m512)v);
#elif POMONA_LEVEL_ID == 1
  return (Vec<float>)_mm256_sqrt_ps((__m256)v);
#else
  for (int i = 0; i < kLanes<float>; ++i) v[i] = __builtin_sqrtf(v[i]);
  return v;
#endif
}

#if POMONA_LEVEL_ID == 0
[[gnu::always_inline]] inline Vec<double> root(Vec<double> v) {
  for (int i = 0; i < kLanes<double>; ++i) v[i] = __builtin_sqrt(v[i]);
  return v;
}
#endif

template <class T>
void adamw(const T* gradient, T* weight, T* mean, T* square, std::int64_t n,
           const AdamWFactors<T>& f) {
  each_vector<T>(n, [=](std::int64_t i, auto width) {
    const Vec<T> g = load(gradient + i, width) * broadcast(f.gradient);
    const Vec<T> old = load(mean + i, width);
    const Vec<T> m = fma(g - old, broadcast(f.mean_step), old);
    const Vec<T> v =
        fma(g * g, broadcast(f.square_step), load(square + i, width) * broadcast(f.square_keep));
    store(mean + i, m, width);
    store(square + i, v, width);
    const Vec<T> deviation = fma(root(v), broadcast(f.deviation), broadcast(f.epsilon));
    const Vec<T> w = load(weight + i, width) * broadcast(f.weight_keep);
    store(weight + i, w - broadcast(f.step) * (m / deviation), width);
  });
}

template <class T>
void momentum(const T* gradient, T* weight, T* velocity, std::int64_t n,
              const MomentumFactors<T>& f) {
  each_vector<T>(n, [=](std::int64_t i, auto width) {
    const Vec<T> w = load(weight + i, width);
    Vec<T> g = fma(w, broadcast(f.decay), load(gradient + i, width) * broadcast(f.gradient));
    if (velocity) {
      g = fma(load(velocity + i, width), broadcast(f.velocity_keep), g);
      store(velocity + i, g, width);
    }
    store(weight + i, fma(g, broadcast(-f.step), w), width);
  });
}

template <class T>
T square_sum(const T* x, std::int64_t n) {
  return sum_of<T>(n, [=](std::int64_t i, auto width) {
    const Vec<T> v = load(x + i, width);
    return v * v;
  });
}

template <class T>
void fill(MathTable<T>& table) {
  table.adamw = adamw<T>;
  table.momentum = momentum<T>;
  table.square_sum = square_sum<T>;
}

}  // namespace

void add_optimiser(MathTable<float>& table) { fill(table); }
#if POMONA_LEVEL_ID == 0
void add_optimiser(MathTable<double>& table) { fill(table); }
#endif

}  // namespace pomona::kernel::POMONA_LEVEL
