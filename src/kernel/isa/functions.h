// Every kernel that is compiled once per level, in the namespace of its level. table.cpp of this
// folder puts them into the level's table.
#pragma once
#include "kernel/table.h"

namespace pomona::kernel::POMONA_LEVEL {

/// The level's table (table.cpp).
const Table& level_table();

// gemm_dense.cpp, gemm_int8.cpp, prepare.cpp, pack.cpp, turned.cpp
void gemm_f32(const GemmCall& call);
void gemm_bf16(const GemmCall& call);
void gemm_u8(const GemmCall& call);
void gemm_u4(const GemmCall& call);
void prepare_rows(PanelKind kind, const float* x, std::int64_t x_stride, std::byte* prepared,
                  std::int64_t T, std::int64_t K);
void pack_panel(const PanelLayout& layout, DType dtype, const std::byte* rows,
                std::int64_t row_bytes, std::int64_t rows_left, std::byte* panel);
void pack_turned(const PanelLayout& layout, DType dtype, const std::byte* rows,
                 std::int64_t row_bytes, std::int64_t first, std::int64_t count, std::byte* panels);
void prepare_turned(PanelKind kind, const float* x, std::int64_t x_stride, std::byte* prepared,
                    std::int64_t T, std::int64_t N);

/// The loops of roof.cpp.
RoofTable roof();

// rows_table.cpp: what rows_*.cpp and attention*.cpp define.
/// Fills in MathTable, store_keys, store_values, paged_attention, argmax and exp_sum.
void add_rows(Table& table);
/// The kernels on double; only the portable level's are used, as oracle.
const MathTable<double>& math_f64();

}  // namespace pomona::kernel::POMONA_LEVEL
