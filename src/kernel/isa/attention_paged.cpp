// Causal attention over the paged KV cache: online softmax (Milakov and Gimelshein 2018,
// arXiv:1805.02867) over blocks of kKvBlock absolute positions. A query row meets its blocks in
// ascending order, and nothing it computes depends on the rows that share its tile: any split of
// rows over calls gives the same bits. Within a block scores have positions as lanes and sum over E
// ascending, values have E as lanes and sum over positions ascending; the cache's layouts serve
// both without packing.
#include "kernel/isa/cache_kinds.h"
#include "kernel/isa/exp.h"
#include "kernel/isa/register_tile.h"
#include "kernel/isa/rows.h"
#include "kernel/isa/sigmoids.h"

namespace pomona::kernel::POMONA_LEVEL {
namespace {

constexpr int kBlock = static_cast<int>(kKvBlock);
constexpr int kBlockVecs = kBlock / kLanes<float>;
static_assert(kTileRows <= kLanes<float>);

/// What is kept of each query row between blocks, in the caller's scratch.
template <class Kind>
struct RowStates {
  using A = typename Kind::Dot::A;
  std::byte* base;
  std::int64_t E;

  std::int64_t row_bytes() const { return attention_row_bytes(E); }
  std::int64_t query_step() const { return row_bytes() / static_cast<std::int64_t>(sizeof(A)); }
  A* query(std::int64_t r) const { return reinterpret_cast<A*>(base + r * row_bytes()); }
  /// E values not yet divided by the sum of the weights.
  float* out(std::int64_t r) const { return reinterpret_cast<float*>(base + r * row_bytes()) + E; }
  /// The sum of the weights, lane by lane.
  float* sum(std::int64_t r) const { return out(r) + E; }
  /// The largest score so far.
  float* top(std::int64_t r) const { return sum(r) + 16; }
};

/// A cache block and the one after it, null at the end.
struct BlockPair {
  const std::byte* now;
  const std::byte* next;
};

/// The positions of a block that a row sees: from..live - 1, from < live.
struct Seen {
  std::int64_t from;
  std::int64_t live;
};

/// Products q k to what PowerOfTwo takes.
struct Weighing {
  PowerOfTwo power;
  float inside;  // > 0: a product p becomes outside * tanh(inside * p) first
  float outside;

  explicit Weighing(const AttentionCall& call)
      : power(call.scale * 1.44269504f),
        inside(call.softcap > 0 ? call.scale / call.softcap : 0),
        outside(call.softcap / call.scale) {}
};

/// R query rows, the first of which is row r, against the block that begins at position `base`.
template <class Kind, int R>
class TileOfRows {
  using Dot = typename Kind::Dot;
  using A = typename Dot::A;
  using B = typename Dot::B;
  static constexpr std::int64_t kWeights = kBlock / Dot::kDepth;  // A's in a row of weights

 public:
  TileOfRows(const AttentionCall& call, const RowStates<Kind>& states, std::int64_t first_row,
             std::int64_t r, std::int64_t base)
      : states_(states), r_(r) {
    for (int i = 0; i < R; ++i) {
      const std::int64_t place = call.first_position + (first_row + r + i) / call.group - base;
      seen_[i].live = place + 1 < kBlock ? place + 1 : kBlock;
      const std::int64_t from = call.window > 0 ? place + 1 - call.window : 0;
      seen_[i].from = from > 0 ? from : 0;
    }
    vecs_ = (seen_[R - 1].live + kLanes<float> - 1) / kLanes<float>;
  }

  void run(const Weighing& weighing, BlockPair keys, BlockPair values) {
    const PowerOfTwo& power = weighing.power;
    score(keys);
    if constexpr (Kind::kScaled) scale(keys.now);
    if (weighing.inside > 0) cap(weighing);
    if constexpr (Kind::kScaled) value_scales_ = scales_of(values.now);
    if (vecs_ == kBlockVecs && seen_[0].live == kBlock && seen_[R - 1].from == 0) {
      weigh(power, kBlockVecs, [](int, int, Vec<float> s) { return s; });
    } else {
      weigh(power, static_cast<int>(vecs_), [this](int i, int v, Vec<float> s) {
        const Vec<float> at = lane_numbers<float>() + static_cast<float>(v * kLanes<float>);
        const Vec<float> lowest = broadcast(-__builtin_inff());
        s = at < broadcast(static_cast<float>(seen_[i].live)) ? s : lowest;
        return at >= broadcast(static_cast<float>(seen_[i].from)) ? s : lowest;
      });
    }
    add_values(values);
  }

 private:
  /// One column of tiles, C vectors wide, from vector `column` of the block's rows of `row` B's.
  template <int C, class Finish>
  [[gnu::always_inline]] static void columns(const A* a, std::int64_t a_row, BlockPair block,
                                             std::int64_t row, std::int64_t column,
                                             std::int64_t steps, Finish finish) {
    const auto* const b = reinterpret_cast<const B*>(block.now) + column * kLanes<float>;
    const auto* const later =
        block.next ? reinterpret_cast<const B*>(block.next) + column * kLanes<float> : nullptr;
    tile<Dot, R, C>(
        {a, a_row, 1, b, row, steps, later}, Whole{}, [](int, int) { return Vec<float>{}; },
        finish);
  }

  void score(BlockPair keys) {
    for (std::int64_t column = 0; column < vecs_; column += kTileVecs) {
      with_constant<kTileVecs>(vecs_ - column, [&](auto vecs) {
        float* const to = scores_ + column * kLanes<float>;
        columns<decltype(vecs)::value>(
            states_.query(r_), states_.query_step(), keys, kBlock, column, states_.E / Dot::kDepth,
            [=](int i, int c, Vec<float> sum) { store(to + i * kBlock + c * kLanes<float>, sum); });
      });
    }
  }

  /// The scales behind a block's values.
  const float* scales_of(const std::byte* block) const {
    return reinterpret_cast<const float*>(block + kKvBlock * states_.E);
  }

  void scale(const std::byte* block) {
    const float* const scales = scales_of(block);
    for (int i = 0; i < R; ++i) {
      for (int v = 0; v < static_cast<int>(vecs_); ++v) {
        float* const at = scores_ + i * kBlock + v * kLanes<float>;
        store(at, load(at) * load(scales + v * kLanes<float>));
      }
    }
  }

  void cap(const Weighing& weighing) {
    for (int i = 0; i < R; ++i) {
      for (int v = 0; v < static_cast<int>(vecs_); ++v) {
        float* const at = scores_ + i * kBlock + v * kLanes<float>;
        store(at, tanh(load(at) * broadcast(weighing.inside)) * broadcast(weighing.outside));
      }
    }
  }

  /// Scores to weights relative to the new top, and the running sums.
  template <class Mask>
  [[gnu::always_inline]] void weigh(const PowerOfTwo& power, int vecs, Mask mask) {
    alignas(64) float old[kLanes<float>] = {};
    alignas(64) float top[kLanes<float>] = {};
    for (int i = 0; i < R; ++i) {
      Vec<float> best = broadcast(-__builtin_inff());
      for (int v = 0; v < vecs; ++v) {
        float* const at = scores_ + i * kBlock + v * kLanes<float>;
        const Vec<float> s = mask(i, v, load(at));
        store(at, s);
        best = max(s, best);
      }
      old[i] = *states_.top(r_ + i);
      const float block_top = reduce_max(best);
      top[i] = block_top > old[i] ? block_top : old[i];
      *states_.top(r_ + i) = top[i];
    }
    store(shrink_, power(load(old) - load(top)));
    for (int i = 0; i < R; ++i) {
      Vec<float> sum = load(states_.sum(r_ + i)) * broadcast(shrink_[i]);
      for (int v = 0; v < vecs; ++v) {
        const Vec<float> s = load(scores_ + i * kBlock + v * kLanes<float>);
        const Vec<float> weight = power(s - broadcast(top[i]));
        sum += weight;
        if constexpr (Kind::kScaled) {
          Kind::put_weights(weights_ + i * kWeights, v,
                            weight * load(value_scales_ + v * kLanes<float>));
        } else {
          Kind::put_weights(weights_ + i * kWeights, v, weight);
        }
      }
      store(states_.sum(r_ + i), sum);
    }
  }

  void add_values(BlockPair values) {
    const std::int64_t steps = (seen_[R - 1].live + Dot::kDepth - 1) / Dot::kDepth;
    const std::int64_t all = states_.E / kLanes<float>;
    for (std::int64_t column = 0; column < all; column += kTileVecs) {
      with_constant<kTileVecs>(all - column, [&](auto vecs) {
        columns<decltype(vecs)::value>(weights_, kWeights, values, states_.E, column, steps,
                                       [&](int i, int c, Vec<float> sum) {
                                         float* const to =
                                             states_.out(r_ + i) + (column + c) * kLanes<float>;
                                         store(to, fma(load(to), broadcast(shrink_[i]), sum));
                                       });
      });
    }
  }

  RowStates<Kind> states_;
  std::int64_t r_;
  std::int64_t vecs_;
  const float* value_scales_ = nullptr;  // where the kind has some
  Seen seen_[R];
  alignas(64) float scores_[R * kBlock];
  alignas(64) A weights_[R * kWeights];
  alignas(64) float shrink_[kLanes<float>];
};

/// Query rows first_row.. of the call, at most kAttentionRows.
template <class Kind>
struct RowsRun {
  const AttentionCall& call;
  RowStates<Kind> states;
  std::int64_t first_row;
  std::int64_t rows;

  void begin() const {
    for (std::int64_t r = 0; r < rows; ++r) {
      const std::int64_t row = first_row + r;
      Kind::put_query(call.q + row / call.group * call.q_stride + row % call.group * call.E,
                      states.query(r), call.E);
      for (std::int64_t e = 0; e < call.E; e += kLanes<float>)
        store(states.out(r) + e, Vec<float>{});
      store(states.sum(r), Vec<float>{});
      *states.top(r) = -__builtin_inff();
    }
  }

  /// The row of this run that is the first one at `position` or later.
  std::int64_t row_at(std::int64_t position) const {
    const std::int64_t r = (position - call.first_position) * call.group - first_row;
    return r < 0 ? 0 : r > rows ? rows : r;
  }

  void blocks() const {
    const Weighing weighing(call);
    const std::int64_t first = call.first_position + first_row / call.group;
    const std::int64_t last = call.first_position + (first_row + rows - 1) / call.group;
    const std::int64_t from = call.window > 0 && first >= call.window ? first + 1 - call.window : 0;
    for (std::int64_t b = from / kBlock; b <= last / kBlock; ++b) {
      const std::int64_t base = b * kBlock;
      const std::int64_t end = call.window > 0 ? row_at(base + kBlock - 1 + call.window) : rows;
      const bool more = b < last / kBlock;
      BlockPair keys{call.k_blocks[b], more ? call.k_blocks[b + 1] : nullptr};
      BlockPair values{call.v_blocks[b], more ? call.v_blocks[b + 1] : nullptr};
      for (std::int64_t r = row_at(base); r < end; r += kTileRows) {
        with_constant<kTileRows>(end - r, [&](auto size) {
          TileOfRows<Kind, decltype(size)::value>(call, states, first_row, r, base)
              .run(weighing, keys, values);
        });
        keys.next = values.next = nullptr;
      }
    }
  }

  void finish() const {
    for (std::int64_t r = 0; r < rows; ++r) {
      const std::int64_t row = first_row + r;
      float* const to = call.y + row / call.group * call.y_stride + row % call.group * call.E;
      const Vec<float> inverse = broadcast(1.0f / reduce_add(load(states.sum(r))));
      for (std::int64_t e = 0; e < call.E; e += kLanes<float>) {
        store(to + e, load(states.out(r) + e) * inverse);
      }
    }
  }
};

template <class Kind>
void paged_attention(const AttentionCall& call) {
  const std::int64_t all = call.positions * call.group;
  for (std::int64_t row = 0; row < all; row += kAttentionRows) {
    const RowsRun<Kind> run{
        call, {call.scratch, call.E}, row, all - row < kAttentionRows ? all - row : kAttentionRows};
    run.begin();
    run.blocks();
    run.finish();
  }
}

}  // namespace

void add_paged_attention(Table& table) {
  table.paged_attention[static_cast<std::size_t>(KvKind::f32)] = paged_attention<F32Cache>;
  table.paged_attention[static_cast<std::size_t>(KvKind::bf16)] = paged_attention<Bf16Cache>;
  table.paged_attention[static_cast<std::size_t>(KvKind::q8)] = paged_attention<Q8Cache>;
}

}  // namespace pomona::kernel::POMONA_LEVEL
