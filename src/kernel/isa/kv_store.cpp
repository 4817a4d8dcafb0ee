// Writing keys and values into cache blocks, whose layouts table.h gives.
#include "kernel/isa/row_loops.h"
#include "kernel/isa/rows.h"

namespace pomona::kernel::POMONA_LEVEL {
namespace {

/// Calls f(row, block, place) for rows first, first + 1, ...
template <class F>
void each_place(const float* rows, std::int64_t stride, std::byte* const* blocks,
                std::int64_t first, std::int64_t T, F f) {
  for (std::int64_t t = 0; t < T; ++t) {
    const std::int64_t position = first + t;
    f(rows + t * stride, blocks[position / kKvBlock], position % kKvBlock);
  }
}

void store_keys_f32(const float* k, std::int64_t stride, std::byte* const* blocks,
                    std::int64_t first, std::int64_t T, std::int64_t E) {
  each_place(k, stride, blocks, first, T,
             [=](const float* row, std::byte* block, std::int64_t place) {
               float* const to = reinterpret_cast<float*>(block) + place;
               for (std::int64_t e = 0; e < E; ++e) to[e * kKvBlock] = row[e];
             });
}

void store_values_f32(const float* v, std::int64_t stride, std::byte* const* blocks,
                      std::int64_t first, std::int64_t T, std::int64_t E) {
  each_place(v, stride, blocks, first, T,
             [=](const float* row, std::byte* block, std::int64_t place) {
               float* const to = reinterpret_cast<float*>(block) + place * E;
               for (std::int64_t e = 0; e < E; ++e) to[e] = row[e];
             });
}

void store_keys_bf16(const float* k, std::int64_t stride, std::byte* const* blocks,
                     std::int64_t first, std::int64_t T, std::int64_t E) {
  each_place(k, stride, blocks, first, T,
             [=](const float* row, std::byte* block, std::int64_t place) {
               std::uint16_t* const to = reinterpret_cast<std::uint16_t*>(block) + 2 * place;
               for (std::int64_t from = 0; from < E; from += kLanes<float>) {
                 alignas(kVecBytes) std::uint16_t rounded[kLanes<float>];
                 store_bf16(rounded, load(row + from));
                 for (int i = 0; i < kLanes<float>; i += 2) {
                   __builtin_memcpy(to + (from + i) * kKvBlock, rounded + i, 2 * sizeof rounded[0]);
                 }
               }
             });
}

/// A position is the even or the odd half of its pair; the other half is left as it is.
void store_values_bf16(const float* v, std::int64_t stride, std::byte* const* blocks,
                       std::int64_t first, std::int64_t T, std::int64_t E) {
  each_place(v, stride, blocks, first, T,
             [=](const float* row, std::byte* block, std::int64_t place) {
               std::uint32_t* const to = reinterpret_cast<std::uint32_t*>(block) + place / 2 * E;
               const std::uint32_t shift = place % 2 == 0 ? 0 : 16;
               const std::uint32_t other = 0xffff0000U >> shift;
               for (std::int64_t e = 0; e < E; e += kLanes<float>) {
                 store(to + e, (load(to + e) & other) | (bf16_bits(load(row + e)) << shift));
               }
             });
}

/// One row of E values as signed bytes times a scale, the largest as 127.
class BytesOfRow {
 public:
  BytesOfRow(const float* row, std::int64_t E) : row_(row) {
    const float largest = reduce_max(fold<float>(
        E, Vec<float>{}, [](Vec<float> best, Vec<float> v) { return max(v, best); },
        [=](std::int64_t e, auto width) {
          const Vec<float> v = load(row + e, width);
          return max(v, -v);
        }));
    scale_ = largest / 127;
    inverse_ = largest > 0 ? 127 / largest : 0;
  }

  float scale() const { return scale_; }
  /// Values e.. e + lanes - 1, in -127..127.
  Vec<std::int32_t> at(std::int64_t e) const {
    return round_to_int(load(row_ + e) * broadcast(inverse_));
  }

 private:
  const float* row_;
  float scale_;
  float inverse_;
};

float* scales_of(std::byte* block, std::int64_t E) {
  return reinterpret_cast<float*>(block + kKvBlock * E);
}

void store_keys_q8(const float* k, std::int64_t stride, std::byte* const* blocks,
                   std::int64_t first, std::int64_t T, std::int64_t E) {
  each_place(k, stride, blocks, first, T,
             [=](const float* row, std::byte* block, std::int64_t place) {
               const BytesOfRow bytes(row, E);
               scales_of(block, E)[place] = bytes.scale();
               for (std::int64_t from = 0; from < E; from += kLanes<float>) {
                 const Vec<std::int32_t> part = bytes.at(from);
                 for (int i = 0; i < kLanes<float>; ++i) {
                   const std::int64_t e = from + i;
                   block[(e / 4 * kKvBlock + place) * 4 + e % 4] = static_cast<std::byte>(part[i]);
                 }
               }
             });
}

/// A position is one byte of each lane; the other three are left as they are.
void store_values_q8(const float* v, std::int64_t stride, std::byte* const* blocks,
                     std::int64_t first, std::int64_t T, std::int64_t E) {
  each_place(v, stride, blocks, first, T,
             [=](const float* row, std::byte* block, std::int64_t place) {
               const BytesOfRow bytes(row, E);
               scales_of(block, E)[place] = bytes.scale();
               std::uint32_t* const to = reinterpret_cast<std::uint32_t*>(block) + place / 4 * E;
               const auto shift = static_cast<std::uint32_t>(place % 4 * 8);
               const std::uint32_t others = ~(0xffU << shift);
               for (std::int64_t e = 0; e < E; e += kLanes<float>) {
                 const Vec<std::uint32_t> part = bits_as<Vec<std::uint32_t> >(bytes.at(e)) & 0xffU;
                 store(to + e, (load(to + e) & others) | (part << shift));
               }
             });
}

}  // namespace

void add_kv_store(Table& table) {
  constexpr auto kF32 = static_cast<std::size_t>(KvKind::f32);
  constexpr auto kBf16 = static_cast<std::size_t>(KvKind::bf16);
  constexpr auto kQ8 = static_cast<std::size_t>(KvKind::q8);
  table.store_keys[kF32] = store_keys_f32;
  table.store_keys[kBf16] = store_keys_bf16;
  table.store_keys[kQ8] = store_keys_q8;
  table.store_values[kF32] = store_values_f32;
  table.store_values[kBf16] = store_values_bf16;
  table.store_values[kQ8] = store_values_q8;
}

}  // namespace pomona::kernel::POMONA_LEVEL
