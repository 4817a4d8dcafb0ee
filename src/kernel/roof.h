// What the processor can do at most, measured by loops that do nothing else: the roof beside which
// `bench` puts its figures.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/thread_pool.h"
#include "simd/cpu.h"

namespace pomona::kernel {

/// 1e9 operations (a multiplication and an addition are two) a second: of f32 multiply-adds, bf16
/// dot products and int8 dot products of the level, the best of many short runs within `seconds`.
/// Where a level has no bf16 dot product its f32 multiply-add counts. Measured is the calling
/// thread alone: for several threads call it on each at the same time and add the results up.
double f32_gflops(simd::Level level, double seconds = 0.1);
double bf16_gflops(simd::Level level, double seconds = 0.1);
double int8_gops(simd::Level level, double seconds = 0.1);

/// 1e9 bytes read a second from `memory` by all threads of the pool together, the best of the
/// passes within `seconds`. Use far more memory than the caches hold (>= 128 MiB), written before.
double read_gb_per_second(simd::Level level, ThreadPool& pool, std::span<const std::byte> memory,
                          double seconds = 1.0);

}  // namespace pomona::kernel
