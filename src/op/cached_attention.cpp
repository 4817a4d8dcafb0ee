// Attention against a paged KV cache: writes the new keys and values, then attends. Forward only.
#include <algorithm>
#include <cmath>

#include "op/ops.h"

namespace pomona::op {
namespace {

/// Query positions in one chunk: fixed, so the cuts do not depend on threads.
constexpr std::int64_t kPositionsPerChunk = 32;

/// One chunk of work: some query positions of one sequence against one KV head.
struct Piece {
  const CacheSlice* slice;
  std::int64_t kv_head;
  std::int64_t offset;  // of the first query within the slice
};

struct CachedAttention {
  std::span<const CacheSlice> slices;
  kernel::KvKind kind;
  std::int64_t E;
  std::int64_t G;      // KV heads
  std::int64_t group;  // query heads per KV head
  AttentionOptions options;

  std::byte* head_block(std::byte* block, std::int64_t head) const {
    return block + head * kernel::kv_block_bytes(kind, E);
  }

  void store(const Context& context, const Tensor& k, const Tensor& v) const {
    const auto which = static_cast<std::size_t>(kind);
    const auto pieces = static_cast<std::int64_t>(slices.size()) * G;
    context.pool.parallel_for(pieces, [&](std::int64_t i) {
      const CacheSlice& slice = slices[static_cast<std::size_t>(i / G)];
      const std::int64_t g = i % G;
      // A block at a time: the kernel wants an array of this head's blocks, one entry is enough for
      // it.
      for (std::int64_t done = 0; done < slice.rows;) {
        const std::int64_t position = slice.first_position + done;
        const std::int64_t inside = position % kernel::kKvBlock;
        const std::int64_t rows = std::min(slice.rows - done, kernel::kKvBlock - inside);
        std::byte* const block =
            slice.blocks[static_cast<std::size_t>(position / kernel::kKvBlock)];
        std::byte* const keys = head_block(block, g);
        std::byte* const values = head_block(block, G + g);
        const std::int64_t row = slice.first_row + done;
        context.kernels.store_keys[which](k.data<float>() + row * k.stride(0) + g * E, k.stride(0),
                                          &keys, inside, rows, E);
        context.kernels.store_values[which](v.data<float>() + row * v.stride(0) + g * E,
                                            v.stride(0), &values, inside, rows, E);
        done += rows;
      }
    });
  }

  void attend(const Context& context, const Tensor& q, const Tensor& y, const Piece& piece,
              std::byte* scratch) const {
    const CacheSlice& slice = *piece.slice;
    const std::int64_t positions = std::min(kPositionsPerChunk, slice.rows - piece.offset);
    const std::int64_t first = slice.first_position + piece.offset;
    const std::int64_t blocks = (first + positions + kernel::kKvBlock - 1) / kernel::kKvBlock;
    auto** keys = reinterpret_cast<const std::byte**>(scratch);
    const std::byte** values = keys + slice.blocks.size();
    const std::int64_t seen =
        options.window > 0 ? std::max<std::int64_t>(0, first + 1 - options.window) : 0;
    for (std::int64_t b = seen / kernel::kKvBlock; b < blocks; ++b) {
      std::byte* const block = slice.blocks[static_cast<std::size_t>(b)];
      keys[b] = head_block(block, piece.kv_head);
      values[b] = head_block(block, G + piece.kv_head);
    }
    const std::int64_t row = slice.first_row + piece.offset;
    kernel::AttentionCall call;
    call.q = q.data<float>() + row * q.stride(0) + piece.kv_head * group * E;
    call.q_stride = q.stride(0);
    call.y = y.data<float>() + row * y.stride(0) + piece.kv_head * group * E;
    call.y_stride = y.stride(0);
    call.positions = positions;
    call.first_position = first;
    call.k_blocks = keys;
    call.v_blocks = values;
    call.group = group;
    call.E = E;
    call.scale = options.scale != 0 ? static_cast<float>(options.scale)
                                    : 1.0f / std::sqrt(static_cast<float>(E));
    call.window = options.window;
    call.softcap = static_cast<float>(options.softcap);
    call.scratch = scratch + pointer_bytes(slice);
    context.kernels.paged_attention[static_cast<std::size_t>(kind)](call);
  }

  static std::int64_t pointer_bytes(const CacheSlice& slice) {
    const auto bytes = static_cast<std::int64_t>(2 * slice.blocks.size() * sizeof(void*));
    return (bytes + 63) / 64 * 64;
  }
};

/// The kernels write and read heads in steps of 16 values, 256 at most.
void check(const Tensor& q, const Tensor& k, const Tensor& v, std::int64_t E) {
  const bool fits = E > 0 && E % 16 == 0 && E <= 256 && q.shape().rank() == 2 &&
                    k.shape() == v.shape() && k.shape().rank() == 2 && k.size(0) == q.size(0) &&
                    k.size(1) >= E && k.size(1) % E == 0 && q.size(1) % k.size(1) == 0 &&
                    q.stride(1) == 1 && k.stride(1) == 1 && v.stride(1) == 1;
  if (!fits) {
    fail(ErrorKind::bad_shape, "cached_attention: q {}, k {}, v {}, head size {}", q.shape().text(),
         k.shape().text(), v.shape().text(), E);
  }
}

void check(const CacheSlice& slice, std::int64_t T) {
  const auto room = static_cast<std::int64_t>(slice.blocks.size()) * kernel::kKvBlock;
  if (slice.rows < 0 || slice.first_row < 0 || slice.first_row > T - slice.rows ||
      slice.first_position < 0 || slice.first_position > room - slice.rows) {
    fail(ErrorKind::bad_shape,
         "cached_attention: {} rows from row {} of {}, to positions from {} of a cache for {}",
         slice.rows, slice.first_row, T, slice.first_position, room);
  }
}

}  // namespace

Tensor cached_attention(const Context& context, const Tensor& q, const Tensor& k, const Tensor& v,
                        std::span<const CacheSlice> slices, kernel::KvKind kind, std::int64_t E,
                        const AttentionOptions& options) {
  check(q, k, v, E);
  for (const CacheSlice& slice : slices) check(slice, q.size(0));
  if (context.tape != nullptr && (q.needs_gradient() || k.needs_gradient() || v.needs_gradient())) {
    fail(ErrorKind::bad_argument,
         "cached_attention: a cache has no gradient; run without one while recording");
  }
  const Tensor y = context.empty(q.shape());
  const CachedAttention op{slices, kind, E, k.size(1) / E, q.size(1) / k.size(1), options};
  std::vector<Piece> pieces;
  std::int64_t pointers = 0;
  for (const CacheSlice& slice : slices) {
    pointers = std::max(pointers, CachedAttention::pointer_bytes(slice));
    for (std::int64_t offset = 0; offset < slice.rows; offset += kPositionsPerChunk) {
      for (std::int64_t g = 0; g < op.G; ++g) pieces.push_back({&slice, g, offset});
    }
  }
  const std::int64_t scratch_bytes =
      pointers + kernel::attention_scratch_bytes(kPositionsPerChunk, op.group, E);
  const Tensor scratch =
      context.empty({static_cast<std::int64_t>(pieces.size()), scratch_bytes / 4});
  if (context.planning()) {
    for (const CacheSlice& slice : slices) {
      context.plan->operations += 4.0 * static_cast<double>(slice.rows) *
                                  mean_seen(options, slice.first_position, slice.rows) *
                                  static_cast<double>(q.size(1));
    }
    return y;
  }
  op.store(context, k, v);
  context.pool.parallel_for(static_cast<std::int64_t>(pieces.size()), [&](std::int64_t i) {
    op.attend(context, q, y, pieces[static_cast<std::size_t>(i)],
              scratch.raw() + i * scratch_bytes);
  });
  return y;
}

}  // namespace pomona::op
