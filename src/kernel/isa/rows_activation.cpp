// The activations of feed-forward layers, plain and gated (Shazeer 2020, arXiv:2002.05202), with
// their gradients: SiLU; GELU (Hendrycks and Gimpel 2016, arXiv:1606.08415), exact and by tanh.
#include "kernel/isa/row_loops.h"
#include "kernel/isa/rows.h"
#include "kernel/isa/sigmoids.h"

namespace pomona::kernel::POMONA_LEVEL {
namespace {

template <class T>
[[gnu::always_inline]] inline Vec<T> sigmoid(Vec<T> x) {
  const Vec<T> one = broadcast(static_cast<T>(1));
  return one / (one + exp(-x));
}

/// x sigmoid(x). Within 4 ulp for |x| < 86.
template <class T>
struct Silu {
  [[gnu::always_inline]] static Vec<T> value(Vec<T> x) {
    return x / (broadcast(static_cast<T>(1)) + exp(-x));
  }
  [[gnu::always_inline]] static Vec<T> slope(Vec<T> x) {
    const Vec<T> one = broadcast(static_cast<T>(1));
    const Vec<T> s = sigmoid<T>(x);
    return s * (one + x * (one - s));
  }
};

/// x / 2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) = x sigmoid(a), a = x (2 sqrt(2/pi) + 0.0714
/// x^2). Relative error (5 + 3 |a|) 2^-24 while |a| < 86.
template <class T>
struct GeluTanh {
  static constexpr T kLinear = static_cast<T>(1.5957691216057308);
  static constexpr T kCubic = static_cast<T>(1.5957691216057308 * 0.044715);

  [[gnu::always_inline]] static Vec<T> value(Vec<T> x) {
    const Vec<T> a = x * fma(x * x, broadcast(kCubic), broadcast(kLinear));
    return x / (broadcast(static_cast<T>(1)) + exp(-a));
  }
  [[gnu::always_inline]] static Vec<T> slope(Vec<T> x) {
    const Vec<T> square = x * x;
    const Vec<T> s = sigmoid<T>(x * fma(square, broadcast(kCubic), broadcast(kLinear)));
    const Vec<T> along = fma(square, broadcast(3 * kCubic), broadcast(kLinear));
    return s + x * s * (broadcast(static_cast<T>(1)) - s) * along;
  }
};

/// x Phi(x) with the normal distribution function. Relative error (6 + x^2) 2^-24 for x > -13.
template <class T>
struct GeluErf {
  [[gnu::always_inline]] static Vec<T> value(Vec<T> x) { return x * normal_below(x); }
  [[gnu::always_inline]] static Vec<T> slope(Vec<T> x) {
    const Vec<T> density = exp(x * x * broadcast(static_cast<T>(-0.5))) *
                           broadcast(static_cast<T>(0.3989422804014327));
    return normal_below(x) + x * density;
  }
};

template <class T, template <class> class Function>
void activate(const T* x, std::int64_t x_stride, T* y, std::int64_t y_stride, std::int64_t rows,
              std::int64_t F) {
  for (std::int64_t row = 0; row < rows; ++row, x += x_stride, y += y_stride) {
    each_vector<T>(F, [=](std::int64_t i, auto width) {
      store(y + i, Function<T>::value(load(x + i, width)), width);
    });
  }
}

/// dy and dx are (rows, F) without gaps.
template <class T, template <class> class Function>
void activate_back(const T* dy, const T* x, std::int64_t x_stride, T* dx, std::int64_t rows,
                   std::int64_t F) {
  for (std::int64_t row = 0; row < rows; ++row, dy += F, x += x_stride, dx += F) {
    each_vector<T>(F, [=](std::int64_t i, auto width) {
      const Vec<T> slope = Function<T>::slope(load(x + i, width));
      store(dx + i, load(dx + i, width) + load(dy + i, width) * slope, width);
    });
  }
}

template <class T, template <class> class Function>
void gated(const T* gate, const T* up, std::int64_t x_stride, T* y, std::int64_t y_stride,
           std::int64_t rows, std::int64_t F) {
  for (std::int64_t row = 0; row < rows; ++row) {
    const T* const g = gate + row * x_stride;
    const T* const u = up + row * x_stride;
    T* const to = y + row * y_stride;
    each_vector<T>(F, [=](std::int64_t i, auto width) {
      store(to + i, Function<T>::value(load(g + i, width)) * load(u + i, width), width);
    });
  }
}

/// dy is (rows, F) without gaps.
template <class T, template <class> class Function>
void gated_back(const T* dy, const T* gate, const T* up, std::int64_t x_stride, T* dgate, T* dup,
                std::int64_t dx_stride, std::int64_t rows, std::int64_t F) {
  for (std::int64_t row = 0; row < rows; ++row) {
    const T* const d = dy + row * F;
    const T* const g = gate + row * x_stride;
    const T* const u = up + row * x_stride;
    each_vector<T>(F, [=](std::int64_t i, auto width) {
      const Vec<T> v = load(g + i, width);
      const Vec<T> dv = load(d + i, width);
      if (dup) {
        T* const to = dup + row * dx_stride + i;
        store(to, load(to, width) + dv * Function<T>::value(v), width);
      }
      if (dgate) {
        T* const to = dgate + row * dx_stride + i;
        store(to, load(to, width) + dv * load(u + i, width) * Function<T>::slope(v), width);
      }
    });
  }
}

template <class T, template <class> class Function>
void fill(ActivationKernels<T>& kernels) {
  kernels.activate = activate<T, Function>;
  kernels.activate_back = activate_back<T, Function>;
  kernels.gated = gated<T, Function>;
  kernels.gated_back = gated_back<T, Function>;
}

template <class T>
void fill(MathTable<T>& table) {
  fill<T, Silu>(table.activations[static_cast<std::size_t>(Activation::silu)]);
  fill<T, GeluTanh>(table.activations[static_cast<std::size_t>(Activation::gelu_tanh)]);
  fill<T, GeluErf>(table.activations[static_cast<std::size_t>(Activation::gelu_erf)]);
}

}  // namespace

void add_activation(MathTable<float>& table) { fill(table); }
#if POMONA_LEVEL_ID == 0
void add_activation(MathTable<double>& table) { fill(table); }
#endif

}  // namespace pomona::kernel::POMONA_LEVEL
