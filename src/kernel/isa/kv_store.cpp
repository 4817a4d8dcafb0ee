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

}  // namespace

void add_kv_store(Table& table) {
  constexpr auto kF32 = static_cast<std::size_t>(KvKind::f32);
  constexpr auto kBf16 = static_cast<std::size_t>(KvKind::bf16);
  table.store_keys[kF32] = store_keys_f32;
  table.store_keys[kBf16] = store_keys_bf16;
  table.store_values[kF32] = store_values_f32;
  table.store_values[kBf16] = store_values_bf16;
}

}  // namespace pomona::kernel::POMONA_LEVEL
