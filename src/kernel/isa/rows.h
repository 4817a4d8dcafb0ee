// What rows_*.cpp, matmul_reference.cpp, attention_*.cpp and kv_store.cpp give to rows_table.cpp:
// each fills in its entries. The overloads on double exist on the portable level only (the oracle).
#pragma once
#include "kernel/table.h"

namespace pomona::kernel::POMONA_LEVEL {

void add_norm(MathTable<float>& table);
void add_rope(MathTable<float>& table);
void add_activation(MathTable<float>& table);
void add_loss(MathTable<float>& table);
void add_sum(MathTable<float>& table);
void add_matmul(MathTable<float>& table);
void add_attention(MathTable<float>& table);
void add_optimiser(MathTable<float>& table);

void add_norm(MathTable<double>& table);
void add_rope(MathTable<double>& table);
void add_activation(MathTable<double>& table);
void add_loss(MathTable<double>& table);
void add_sum(MathTable<double>& table);
void add_matmul(MathTable<double>& table);
void add_attention(MathTable<double>& table);
void add_optimiser(MathTable<double>& table);

void add_sampling(Table& table);
void add_kv_store(Table& table);
void add_paged_attention(Table& table);

}  // namespace pomona::kernel::POMONA_LEVEL
