// The roof loops do what they count: a rate must lie between what one lane and what any processor
// of today could do, and the vector levels must beat the portable one.
#include "kernel/roof.h"

#include <gtest/gtest.h>

#include "tests/kernel/weights.h"

namespace pomona::kernel {
namespace {

TEST(Roof, RatesArePlausible) {
  // 2 units of 16 lanes at 6 GHz: 384 f32, 768 bf16, 1536 int8. A loop that the compiler emptied
  // shows more.
  for (const simd::Level level : testing::levels()) {
    const double f32 = f32_gflops(level, 0.01);
    const double bf16 = bf16_gflops(level, 0.01);
    const double int8 = int8_gops(level, 0.01);
    EXPECT_GT(f32, 0.1) << simd::name_of(level);
    EXPECT_LT(f32, 400) << simd::name_of(level);
    EXPECT_GT(bf16, 0.1) << simd::name_of(level);
    EXPECT_LT(bf16, 800) << simd::name_of(level);
    EXPECT_GT(int8, 0.1) << simd::name_of(level);
    EXPECT_LT(int8, 1600) << simd::name_of(level);
  }
}

TEST(Roof, ReadsAllMemoryGiven) {
  const std::vector<std::byte> memory(std::size_t{1} << 22, std::byte{1});
  ThreadPool pool(2);
  for (const simd::Level level : testing::levels()) {
    const RoofTable& roof = table(level).roof;
    EXPECT_EQ(roof.read_one_stream(memory.data(), 1 << 22), 1 << 22);
    EXPECT_EQ(roof.read_four_streams(memory.data(), 1 << 22), 1 << 22);
    EXPECT_EQ(roof.read_four_streams(memory.data(), 1000), 768);  // whole lines in four equal parts
    const double rate = read_gb_per_second(level, pool, memory, 0.01);
    EXPECT_GT(rate, 0.1);
    EXPECT_LT(rate, 2000);
  }
}

}  // namespace
}  // namespace pomona::kernel
