// Causal attention of one packed sequence in blocks, with its gradient: softmax as in
// FlashAttention (Dao et al. 2022, arXiv:2205.14135, algorithms 1 and 4). Scores are kept turned,
// (keys, queries), so that queries are lanes, the softmax needs no sum across lanes, and all
// products read rows as they lie in memory save the queries (and dy), which are turned once per
// block of queries. Blocks of keys that lie before the window of every query are not looked at.
#include "kernel/isa/exp.h"
#include "kernel/isa/register_tile.h"
#include "kernel/isa/rows.h"
#include "kernel/isa/sigmoids.h"

namespace pomona::kernel::POMONA_LEVEL {
namespace {

constexpr std::int64_t kBlock = 64;
constexpr std::int64_t kLargestE = 256;

/// (E, kBlock): a block of rows turned, zeros where there is no row.
template <class T>
struct Turned {
  alignas(64) T values[kLargestE * kBlock];

  void fill(const T* rows, std::int64_t stride, std::int64_t count, std::int64_t E) {
    for (std::int64_t i = 0; i < E * kBlock; ++i) values[i] = 0;
    transpose(rows, stride, values, kBlock, count, E);
  }
};

/// y (keys, kBlock) = rows (keys, E) turned (E, kBlock).
template <class T>
void times_turned(const T* rows, std::int64_t stride, const Turned<T>& turned, T* y,
                  std::int64_t keys, std::int64_t E) {
  product(rows, stride, 1, turned.values, kBlock, y, kBlock, keys, kBlock, E, false);
}

/// Which keys of a block the queries of a block see.
template <class T>
class Sight {
 public:
  /// `distance`: from the first key to the first query. window 0: none.
  Sight(std::int64_t distance, std::int64_t window)
      : distance_(distance),
        window_(window > 0 ? window : distance + kBlock),
        whole_(distance >= kBlock && distance + kBlock <= window_) {}

  /// Every query sees every key.
  bool whole() const { return whole_; }

  /// v in the lanes of queries first.. that see key `key` (both counted in their block), else
  /// `other`.
  [[gnu::always_inline]] Vec<T> keep(Vec<T> v, T other, std::int64_t first,
                                     std::int64_t key) const {
    const std::int64_t distance = distance_ + first - key;  // of lane 0
    v = lane_numbers<T>() >= broadcast(static_cast<T>(-distance)) ? v : broadcast(other);
    return lane_numbers<T>() < broadcast(static_cast<T>(window_ - distance)) ? v : broadcast(other);
  }

 private:
  std::int64_t distance_;
  std::int64_t window_;
  bool whole_;
};

/// The first key block that a block of queries from `first` on looks at.
inline std::int64_t first_key(std::int64_t first, std::int64_t window) {
  return window > 0 && first >= window ? (first + 1 - window) / kBlock * kBlock : 0;
}

/// Products q k (keys, kBlock) to scores; returns what they must still be scaled with.
template <class T>
T cap_scores(T* scores, std::int64_t keys, const Scoring& scoring) {
  if (scoring.softcap <= 0) return static_cast<T>(scoring.scale);
  const T inside = static_cast<T>(scoring.scale / scoring.softcap);
  const T cap = static_cast<T>(scoring.softcap);
  each_vector<T>(keys * kBlock, [=](std::int64_t i, auto width) {
    store(scores + i, tanh(load(scores + i, width) * broadcast(inside)) * broadcast(cap), width);
  });
  return 1;
}

/// Running softmax of a block of queries.
template <class T>
struct Running {
  alignas(64) T top[kBlock];
  alignas(64) T sum[kBlock];
  alignas(64) T shrink[kBlock];  // factor for what was summed before the newest block

  /// Scores (keys, kBlock) to weights relative to the new top. A query that has seen no key yet
  /// has the top -inf and the sum 0.
  void take(T* scores, std::int64_t keys, const Sight<T>& sight, T scale) {
    const T lowest = -static_cast<T>(__builtin_inff());
    for (std::int64_t q = 0; q < kBlock; q += kLanes<T>) {
      Vec<T> best = load(top + q);
      const Vec<T> old = best;
      for (std::int64_t j = 0; j < keys; ++j) {
        Vec<T> s = load(scores + j * kBlock + q) * broadcast(scale);
        if (!sight.whole()) s = sight.keep(s, lowest, q, j);
        store(scores + j * kBlock + q, s);
        best = max(s, best);
      }
      const Vec<T> base = best > broadcast(lowest) ? best : Vec<T>{};
      const Vec<T> factor = exp(old - base);
      Vec<T> total = load(sum + q) * factor;
      for (std::int64_t j = 0; j < keys; ++j) {
        const Vec<T> p = exp(load(scores + j * kBlock + q) - base);
        store(scores + j * kBlock + q, p);
        total += p;
      }
      store(top + q, best);
      store(sum + q, total);
      store(shrink + q, factor);
    }
  }
};

template <class T>
void scale_row(T* row, T factor, std::int64_t E) {
  each_vector<T>(E, [=](std::int64_t i, auto width) {
    store(row + i, load(row + i, width) * broadcast(factor), width);
  });
}

/// E <= 256.
template <class T>
void attention(const T* q, std::int64_t q_stride, const T* k, const T* v, std::int64_t kv_stride,
               T* y, std::int64_t y_stride, T* lse, std::int64_t rows, std::int64_t E,
               const Scoring& scoring) {
  Turned<T> turned_q;
  Running<T> running;
  alignas(64) T weights[kBlock * kBlock];
  for (std::int64_t first = 0; first < rows; first += kBlock) {
    const std::int64_t queries = rows - first < kBlock ? rows - first : kBlock;
    turned_q.fill(q + first * q_stride, q_stride, queries, E);
    for (std::int64_t i = 0; i < kBlock; ++i) {
      running.top[i] = -static_cast<T>(__builtin_inff());
      running.sum[i] = 0;
    }
    T* const out = y + first * y_stride;
    for (std::int64_t i = 0; i < queries; ++i) {
      for (std::int64_t e = 0; e < E; ++e) out[i * y_stride + e] = 0;
    }
    const std::int64_t start = first_key(first, scoring.window);
    for (std::int64_t key = start; key <= first; key += kBlock) {
      const std::int64_t keys = key == first ? queries : kBlock;
      times_turned(k + key * kv_stride, kv_stride, turned_q, weights, keys, E);
      const T scale = cap_scores(weights, keys, scoring);
      running.take(weights, keys, Sight<T>(first - key, scoring.window), scale);
      for (std::int64_t i = 0; i < queries && key > start; ++i) {
        scale_row(out + i * y_stride, running.shrink[i], E);
      }
      product(weights, 1, kBlock, v + key * kv_stride, kv_stride, out, y_stride, queries, E, keys,
              true);
    }
    for (std::int64_t i = 0; i < queries; ++i) {
      scale_row(out + i * y_stride, 1 / running.sum[i], E);
      if (lse) {
        lse[first + i] =
            running.top[i] + static_cast<T>(__builtin_log(static_cast<double>(running.sum[i])));
      }
    }
  }
}

/// Weights p = exp(scale * s - lse), in place, and the gradient of the products
/// ds = scale * p * (dp - dot(dy, y)), in place of dp. Both (keys, kBlock). Capped scores come
/// scaled; their gradient also goes through the cap's slope, 1 - (s / softcap)^2.
template <class T, bool kCapped>
void score_gradient(T* scores, T* dp, const T* lse, const T* dot, std::int64_t keys,
                    const Sight<T>& sight, const Scoring& scoring) {
  const Vec<T> scale = broadcast(static_cast<T>(scoring.scale));
  const Vec<T> inverse = broadcast(static_cast<T>(kCapped ? 1 / scoring.softcap : 0));
  for (std::int64_t j = 0; j < keys; ++j) {
    for (std::int64_t q = 0; q < kBlock; q += kLanes<T>) {
      T* const at = scores + j * kBlock + q;
      const Vec<T> s = load(at);
      Vec<T> p = exp((kCapped ? s : s * scale) - load(lse + q));
      if (!sight.whole()) p = sight.keep(p, T{0}, q, j);
      store(at, p);
      T* const to = dp + j * kBlock + q;
      Vec<T> ds = scale * p * (load(to) - load(dot + q));
      if constexpr (kCapped) {
        const Vec<T> part = s * inverse;
        ds *= broadcast(static_cast<T>(1)) - part * part;
      }
      store(to, ds);
    }
  }
}

/// E <= 256.
template <class T>
void attention_back(const T* dy, const T* y, std::int64_t y_stride, const T* q,
                    std::int64_t q_stride, const T* k, const T* v, std::int64_t kv_stride,
                    const T* lse, T* dq, T* dk, T* dv, std::int64_t dq_stride,
                    std::int64_t dkv_stride, std::int64_t rows, std::int64_t E,
                    const Scoring& scoring) {
  Turned<T> turned_q;
  Turned<T> turned_dy;
  alignas(64) T weights[kBlock * kBlock];
  alignas(64) T dscores[kBlock * kBlock];
  for (std::int64_t first = 0; first < rows; first += kBlock) {
    const std::int64_t queries = rows - first < kBlock ? rows - first : kBlock;
    const T* const block_q = q + first * q_stride;
    const T* const block_dy = dy + first * y_stride;
    turned_q.fill(block_q, q_stride, queries, E);
    turned_dy.fill(block_dy, y_stride, queries, E);
    alignas(64) T block_lse[kBlock] = {};
    alignas(64) T dot[kBlock] = {};
    for (std::int64_t i = 0; i < queries; ++i) {
      const T* const a = block_dy + i * y_stride;
      const T* const b = y + (first + i) * y_stride;
      block_lse[i] = lse[first + i];
      dot[i] = sum_of<T>(
          E, [=](std::int64_t e, auto width) { return load(a + e, width) * load(b + e, width); });
    }
    for (std::int64_t key = first_key(first, scoring.window); key <= first; key += kBlock) {
      const std::int64_t keys = key == first ? queries : kBlock;
      times_turned(k + key * kv_stride, kv_stride, turned_q, weights, keys, E);
      cap_scores(weights, keys, scoring);
      times_turned(v + key * kv_stride, kv_stride, turned_dy, dscores, keys, E);
      const Sight<T> sight(first - key, scoring.window);
      (scoring.softcap > 0
           ? score_gradient<T, true>
           : score_gradient<T, false>)(weights, dscores, block_lse, dot, keys, sight, scoring);
      if (dq) {
        product(dscores, 1, kBlock, k + key * kv_stride, kv_stride, dq + first * dq_stride,
                dq_stride, queries, E, keys, true);
      }
      if (dk) {
        product(dscores, kBlock, 1, block_q, q_stride, dk + key * dkv_stride, dkv_stride, keys, E,
                queries, true);
      }
      if (dv) {
        product(weights, kBlock, 1, block_dy, y_stride, dv + key * dkv_stride, dkv_stride, keys, E,
                queries, true);
      }
    }
  }
}

template <class T>
void fill(MathTable<T>& table) {
  table.attention = attention<T>;
  table.attention_back = attention_back<T>;
}

}  // namespace

void add_attention(MathTable<float>& table) { fill(table); }
#if POMONA_LEVEL_ID == 0
void add_attention(MathTable<double>& table) { fill(table); }
#endif

}  // namespace pomona::kernel::POMONA_LEVEL
