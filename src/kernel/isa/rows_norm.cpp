// RMSNorm (Zhang and Sennrich 2019, arXiv:1910.07467, eq. 4), LayerNorm (Ba et al. 2016,
// arXiv:1607.06450, eq. 4) and their gradients.
#include "kernel/isa/row_loops.h"
#include "kernel/isa/rows.h"

namespace pomona::kernel::POMONA_LEVEL {
namespace {

template <class T>
void rms_norm(const T* x, const T* weight, T* y, T* rstd, std::int64_t rows, std::int64_t D,
              double eps) {
  for (std::int64_t row = 0; row < rows; ++row, x += D, y += D) {
    const T squares = sum_of<T>(D, [=](std::int64_t i, auto width) {
      const Vec<T> v = load(x + i, width);
      return v * v;
    });
    const T r = static_cast<T>(
        1.0 / __builtin_sqrt(static_cast<double>(squares) / static_cast<double>(D) + eps));
    if (rstd) rstd[row] = r;
    each_vector<T>(D, [=](std::int64_t i, auto width) {
      store(y + i, load(x + i, width) * broadcast(r) * load(weight + i, width), width);
    });
  }
}

/// With g = dy * weight and n = x * rstd: dx = rstd * (g - n * mean(g * n)), dweight = sum(dy * n).
template <class T>
void rms_norm_back(const T* dy, const T* x, const T* weight, const T* rstd, T* dx, T* dweight,
                   std::int64_t rows, std::int64_t D) {
  for (std::int64_t row = 0; row < rows; ++row, x += D, dy += D) {
    const T r = rstd[row];
    if (dx) {
      const T dot = sum_of<T>(D, [=](std::int64_t i, auto width) {
        return load(dy + i, width) * load(weight + i, width) * load(x + i, width);
      });
      const Vec<T> along = broadcast(dot * r * r / static_cast<T>(D));
      T* const to = dx + row * D;
      each_vector<T>(D, [=](std::int64_t i, auto width) {
        const Vec<T> g = load(dy + i, width) * load(weight + i, width);
        store(to + i, load(to + i, width) + broadcast(r) * (g - load(x + i, width) * along), width);
      });
    }
    if (dweight) {
      each_vector<T>(D, [=](std::int64_t i, auto width) {
        const Vec<T> n = load(x + i, width) * broadcast(r);
        store(dweight + i, load(dweight + i, width) + load(dy + i, width) * n, width);
      });
    }
  }
}

/// Deviations from the mean are squared in a pass of their own: no cancellation.
template <class T>
void layer_norm(const T* x, const T* weight, const T* bias, T* y, T* mean, T* rstd,
                std::int64_t rows, std::int64_t D, double eps) {
  for (std::int64_t row = 0; row < rows; ++row, x += D, y += D) {
    const T m = sum_of<T>(D, [=](std::int64_t i, auto width) { return load(x + i, width); }) /
                static_cast<T>(D);
    const T squares = sum_of<T>(D, [=](std::int64_t i, auto width) {
      const Vec<T> d = load_filled(x + i, width, m) - broadcast(m);
      return d * d;
    });
    const T r = static_cast<T>(
        1.0 / __builtin_sqrt(static_cast<double>(squares) / static_cast<double>(D) + eps));
    if (mean) mean[row] = m;
    if (rstd) rstd[row] = r;
    each_vector<T>(D, [=](std::int64_t i, auto width) {
      const Vec<T> n = (load(x + i, width) - broadcast(m)) * broadcast(r) * load(weight + i, width);
      store(y + i, bias ? n + load(bias + i, width) : n, width);
    });
  }
}

/// With g = dy * weight and n = (x - mean) * rstd: dx = rstd * (g - mean(g) - n * mean(g * n)),
/// dweight = sum(dy * n), dbias = sum(dy).
template <class T>
void layer_norm_back(const T* dy, const T* x, const T* weight, const T* mean, const T* rstd, T* dx,
                     T* dweight, T* dbias, std::int64_t rows, std::int64_t D) {
  for (std::int64_t row = 0; row < rows; ++row, x += D, dy += D) {
    const T r = rstd[row];
    const Vec<T> m = broadcast(mean[row]);
    if (dx) {
      const T sum = sum_of<T>(D, [=](std::int64_t i, auto width) {
        return load(dy + i, width) * load(weight + i, width);
      });
      const T dot = sum_of<T>(D, [=](std::int64_t i, auto width) {
        return load(dy + i, width) * load(weight + i, width) * (load(x + i, width) - m);
      });
      const Vec<T> level = broadcast(sum / static_cast<T>(D));
      const Vec<T> along = broadcast(dot * r * r / static_cast<T>(D));
      T* const to = dx + row * D;
      each_vector<T>(D, [=](std::int64_t i, auto width) {
        const Vec<T> g = load(dy + i, width) * load(weight + i, width);
        const Vec<T> inner = g - level - (load(x + i, width) - m) * along;
        store(to + i, load(to + i, width) + broadcast(r) * inner, width);
      });
    }
    if (dweight) {
      each_vector<T>(D, [=](std::int64_t i, auto width) {
        const Vec<T> n = (load(x + i, width) - m) * broadcast(r);
        store(dweight + i, load(dweight + i, width) + load(dy + i, width) * n, width);
      });
    }
    if (dbias) {
      each_vector<T>(D, [=](std::int64_t i, auto width) {
        store(dbias + i, load(dbias + i, width) + load(dy + i, width), width);
      });
    }
  }
}

template <class T>
void fill(MathTable<T>& table) {
  table.rms_norm = rms_norm<T>;
  table.rms_norm_back = rms_norm_back<T>;
  table.layer_norm = layer_norm<T>;
  table.layer_norm_back = layer_norm_back<T>;
}

}  // namespace

void add_norm(MathTable<float>& table) { fill(table); }
#if POMONA_LEVEL_ID == 0
void add_norm(MathTable<double>& table) { fill(table); }
#endif

}  // namespace pomona::kernel::POMONA_LEVEL
