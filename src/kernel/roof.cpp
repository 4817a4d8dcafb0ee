// Times the levels' roof loops.
#include "kernel/roof.h"

#include <algorithm>
#include <chrono>

#include "kernel/table.h"

namespace pomona::kernel {

namespace {

/// The best rate (units a second) of `run`, called again and again for `seconds`; run returns its
/// units.
template <class F>
double best_rate(double seconds, const F& run) {
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  double best = 0;
  const Clock::time_point begin = Clock::now();
  do {
    const Clock::time_point start = Clock::now();
    const auto units = static_cast<double>(run());
    const double rate = units / since(start);
    best = rate > best ? rate : best;
  } while (since(begin) < seconds);
  return best;
}

/// About 50 to 200 us a run.
constexpr std::int64_t kRounds = 10000;

double compute_rate(std::int64_t (*loop)(std::int64_t), double seconds) {
  return best_rate(seconds, [&] { return loop(kRounds); }) * 1e-9;
}

}  // namespace

double f32_gflops(simd::Level level, double seconds) {
  return compute_rate(table(level).roof.f32, seconds);
}

double bf16_gflops(simd::Level level, double seconds) {
  return compute_rate(table(level).roof.bf16, seconds);
}

double int8_gops(simd::Level level, double seconds) {
  return compute_rate(table(level).roof.int8, seconds);
}

double read_gb_per_second(simd::Level level, ThreadPool& pool, std::span<const std::byte> memory,
                          double seconds) {
  constexpr std::size_t kChunkBytes = std::size_t{4} << 20;
  const RoofTable& roof = table(level).roof;
  const auto chunks = static_cast<std::int64_t>((memory.size() + kChunkBytes - 1) / kChunkBytes);
  double best = 0;
  for (const auto read : {roof.read_one_stream, roof.read_four_streams}) {
    const double rate = best_rate(seconds / 2, [&] {
      pool.parallel_for(chunks, [&](std::int64_t chunk) {
        const std::size_t begin = static_cast<std::size_t>(chunk) * kChunkBytes;
        const std::size_t bytes = std::min(kChunkBytes, memory.size() - begin);
        read(memory.data() + begin, static_cast<std::int64_t>(bytes));
      });
      return memory.size();
    });
    best = std::max(best, rate);
  }
  return best * 1e-9;
}

}  // namespace pomona::kernel
