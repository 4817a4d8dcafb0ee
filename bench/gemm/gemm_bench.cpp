// GEMM on one thread: the own kernels, oneDNN where it is installed, and the roof of the same
// minute, as a table on standard error and JSON on standard output. Figures are 1e9 operations a
// second (a multiplication and an addition are two), the best of many calls. For up to 16 rows the
// weights come from DRAM: the calls rotate through copies that no cache holds.
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "bench/gemm/onednn.h"
#include "kernel/roof.h"
#include "kernel/table.h"

namespace pomona::bench {
namespace {

using kernel::PanelKind;

struct Shape {
  std::int64_t T;
  std::int64_t K;
  std::int64_t N;
};

constexpr Shape kShapes[] = {{512, 576, 1536}, {512, 1536, 576}, {512, 2048, 2048}, {64, 576, 1536},
                             {16, 576, 1536},  {8, 576, 1536},   {4, 576, 1536},    {2, 576, 1536},
                             {1, 576, 1536},   {1, 2048, 2048}};
constexpr const char* kKindNames[] = {"f32", "bf16", "u8", "u4"};

/// Best seconds of a call within about a quarter of a second.
double best_seconds(const std::function<void()>& call) {
  using Clock = std::chrono::steady_clock;
  call();
  double best = 1e9;
  const Clock::time_point begin = Clock::now();
  while (std::chrono::duration<double>(Clock::now() - begin).count() < 0.25) {
    const Clock::time_point start = Clock::now();
    call();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    best = seconds < best ? seconds : best;
  }
  return best;
}

struct Roof {
  double f32, bf16, int8, read;
  double of(PanelKind kind) const {
    return kind == PanelKind::f32 ? f32 : kind == PanelKind::bf16 ? bf16 : int8;
  }
};

DType source_of(PanelKind kind) {
  constexpr DType kSources[] = {DType::f32, DType::bf16, DType::q8_0, DType::q4_1};
  return kSources[static_cast<int>(kind)];
}

/// Memory in huge pages, as packed weights have it: reading it is up to 1.5 times as fast.
class Aligned {
 public:
  explicit Aligned(std::int64_t bytes)
      : bytes_((static_cast<std::size_t>(bytes) + kPage - 1) / kPage * kPage) {
    data_ = static_cast<std::byte*>(std::aligned_alloc(kPage, bytes_));
    madvise(data_, bytes_, MADV_HUGEPAGE);
    std::memset(data_, 1, bytes_);
  }
  ~Aligned() { std::free(data_); }
  Aligned(const Aligned&) = delete;
  Aligned& operator=(const Aligned&) = delete;
  std::byte* data() const { return data_; }
  std::span<const std::byte> span() const { return {data_, bytes_}; }

 private:
  static constexpr std::size_t kPage = std::size_t{2} << 20;
  std::size_t bytes_;
  std::byte* data_;
};

Roof measure_roof(simd::Level level) {
  static const Aligned memory(std::int64_t{256} << 20);
  static ThreadPool one_thread(1);
  return {kernel::f32_gflops(level), kernel::bf16_gflops(level), kernel::int8_gops(level),
          kernel::read_gb_per_second(level, one_thread, memory.span())};
}

/// The three ways to run one product: GEMM alone; with preparing the rows; with packing the weights
/// as well.
struct Own {
  double gemm, prepared, packed;
  std::int64_t weight_bytes;
};

Own measure_own(const kernel::Table& table, PanelKind kind, const Shape& s) {
  const kernel::PanelLayout layout{kind, s.N, s.K};
  const DType dtype = source_of(kind);
  std::vector<float> values(static_cast<std::size_t>(s.N * s.K));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(i * 2654435761U % 1000) * 1e-3F - 0.5F;
  std::vector<std::byte> stored(static_cast<std::size_t>(bytes_of(dtype, s.N * s.K)));
  info(dtype).pack(values.data(), nullptr, stored.data(), s.N * s.K);
  const std::int64_t copies = s.T <= 16 ? (std::int64_t{128} << 20) / layout.bytes() + 1 : 1;
  const Aligned panels(copies * layout.bytes());
  const auto pack = [&](std::int64_t copy) {
    for (std::int64_t p = 0; p < layout.panels(); ++p) {
      table.pack_panel(layout, dtype,
                       stored.data() + p * kernel::kPanelWidth * bytes_of(dtype, s.K),
                       bytes_of(dtype, s.K), s.N - p * kernel::kPanelWidth,
                       panels.data() + copy * layout.bytes() + p * layout.panel_bytes());
    }
  };
  for (std::int64_t copy = 0; copy < copies; ++copy) pack(copy);
  const std::vector<float> x(values.begin(), values.begin() + s.K);
  const Aligned rows(s.T * kernel::prepared_row_bytes(kind, s.K));
  const Aligned y(s.T * s.N * 4);
  const auto prepare = [&] { table.prepare_rows(kind, x.data(), 0, rows.data(), s.T, s.K); };
  const auto gemm = [&](std::int64_t copy) {
    table.gemm[static_cast<int>(kind)]({rows.data(), panels.data() + copy * layout.bytes(),
                                        reinterpret_cast<float*>(y.data()), s.N, s.T, s.N, s.K,
                                        false});
  };
  // Windows of at least 16 MiB of weights: no lucky part of the cache decides.
  const std::int64_t window = copies == 1 ? 1 : (std::int64_t{16} << 20) / layout.bytes() + 1;
  std::int64_t next = 0;
  const auto seconds_each = [&](const std::function<void(std::int64_t)>& call) {
    const double all = best_seconds([&] {
      for (std::int64_t i = 0; i < window; ++i, next = (next + 1) % copies) call(next);
    });
    return all / static_cast<double>(window);
  };
  prepare();
  return {seconds_each(gemm), seconds_each([&](std::int64_t copy) { prepare(), gemm(copy); }),
          seconds_each([&](std::int64_t copy) { pack(copy), prepare(), gemm(copy); }),
          layout.bytes()};
}

nlohmann::json measure(const kernel::Table& table, PanelKind kind, const Shape& s) {
  const double operations = 2e-9 * static_cast<double>(s.T * s.K * s.N);
  const Roof before = measure_roof(table.level);
  const Own own = measure_own(table, kind, s);
  double plain = 0;
  double prepacked = 0;
#ifdef POMONA_ONEDNN
  const Precision precision = kind == PanelKind::f32    ? Precision::f32
                              : kind == PanelKind::bf16 ? Precision::bf16
                                                        : Precision::u8s8;
  plain = operations / best_seconds(onednn_gemm(precision, s.T, s.K, s.N, false));
  prepacked = operations / best_seconds(onednn_gemm(precision, s.T, s.K, s.N, true));
#endif
  const Roof after = measure_roof(table.level);
  const double roof = std::max(before.of(kind), after.of(kind));
  const double read = std::max(before.read, after.read);
  const double weights_gb = 1e-9 * static_cast<double>(own.weight_bytes);
  std::fprintf(stderr,
               "%-5s %4ld %5ld %5ld %8.1f %8.1f %8.1f %9.1f %9.1f %8.1f %6.1f%% %7.1f %7.1f\n",
               kKindNames[static_cast<int>(kind)], s.T, s.K, s.N, operations / own.gemm,
               operations / own.prepared, operations / own.packed, plain, prepacked, roof,
               100 * operations / own.gemm / roof, weights_gb / own.gemm, read);
  return {{"kind", kKindNames[static_cast<int>(kind)]},
          {"T", s.T},
          {"K", s.K},
          {"N", s.N},
          {"gemm", operations / own.gemm},
          {"with_prepare", operations / own.prepared},
          {"with_packing", operations / own.packed},
          {"onednn", plain},
          {"onednn_prepacked", prepacked},
          {"roof", roof},
          {"weights_gb_per_second", weights_gb / own.gemm},
          {"dram_gb_per_second", read}};
}

int run(int argc, char** argv) {
  const kernel::Table& table = kernel::table();
  nlohmann::json results = nlohmann::json::array();
  std::fprintf(stderr, "%s, one thread\n%-5s %4s %5s %5s %8s %8s %8s %9s %9s %8s %7s %7s %7s\n",
               std::string(simd::name_of(table.level)).c_str(), "kind", "T", "K", "N", "gemm",
               "+prepare", "+pack", "oneDNN", "prepacked", "roof", "share", "GB/s", "DRAM");
  for (int kind = 0; kind < 4; ++kind) {
    if (argc > 1 && std::strcmp(argv[1], kKindNames[kind]) != 0) continue;
    for (const Shape& shape : kShapes) {
      if (argc > 2 && std::atol(argv[2]) != shape.T) continue;
      results.push_back(measure(table, static_cast<PanelKind>(kind), shape));
    }
  }
  std::printf(
      "%s\n",
      nlohmann::json{{"isa", simd::name_of(table.level)}, {"results", results}}.dump().c_str());
  return 0;
}

}  // namespace
}  // namespace pomona::bench

/// gemm_bench [kind [rows]]. oneDNN's OpenMP reads its number of threads at load time, so the
/// program starts itself again with one thread.
int main(int argc, char** argv) {
  if (std::getenv("OMP_NUM_THREADS") == nullptr) {
    setenv("OMP_NUM_THREADS", "1", 1);
    execv("/proc/self/exe", argv);
  }
  return pomona::bench::run(argc, argv);
}
