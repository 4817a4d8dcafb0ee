// Products of dense row-major matrices, for gradients and as oracle of the packed kernels.
#include "kernel/isa/register_tile.h"
#include "kernel/isa/rows.h"

namespace pomona::kernel::POMONA_LEVEL {
namespace {

template <class T>
void matmul_nn(const T* a, const T* b, T* y, std::int64_t M, std::int64_t N, std::int64_t K,
               bool accumulate) {
  product(a, K, 1, b, N, y, N, M, N, K, accumulate);
}

template <class T>
void matmul_tn(const T* a, const T* b, T* y, std::int64_t M, std::int64_t N, std::int64_t K,
               bool accumulate) {
  product(a, 1, M, b, N, y, N, M, N, K, accumulate);
}

/// Turns b in blocks; a sum goes on where the block before left it.
template <class T>
void matmul_nt(const T* a, const T* b, T* y, std::int64_t M, std::int64_t N, std::int64_t K,
               bool accumulate) {
  constexpr std::int64_t kBlock = 64;
  alignas(64) T turned[kBlock * kBlock];
  for (std::int64_t n = 0; n < N; n += kBlock) {
    const std::int64_t columns = N - n < kBlock ? N - n : kBlock;
    for (std::int64_t k = 0; k < K; k += kBlock) {
      const std::int64_t depth = K - k < kBlock ? K - k : kBlock;
      transpose(b + n * K + k, K, turned, kBlock, columns, depth);
      product(a + k, K, 1, turned, kBlock, y + n, N, M, columns, depth, accumulate || k > 0);
    }
  }
}

template <class T>
void fill(MathTable<T>& table) {
  table.matmul_nt = matmul_nt<T>;
  table.matmul_nn = matmul_nn<T>;
  table.matmul_tn = matmul_tn<T>;
}

}  // namespace

void add_matmul(MathTable<float>& table) { fill(table); }
#if POMONA_LEVEL_ID == 0
void add_matmul(MathTable<double>& table) { fill(table); }
#endif

}  // namespace pomona::kernel::POMONA_LEVEL
