// What every computation is given: threads, memory, kernels, the compute mode, and who listens.
// Nothing of it is global.
#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <string_view>

#include "base/progress.h"
#include "base/thread_pool.h"
#include "kernel/table.h"
#include "tensor/arena.h"
#include "tensor/tensor.h"

namespace pomona {

class Parameter;
class Tape;

/// Precision of a computation; docs/notation.md says what each means for the residual stream, GEMM
/// inputs and the KV cache.
enum class Compute { f32, bf16, fast };

/// Throws bad_argument naming the three modes.
Compute parse_compute(std::string_view name);
std::string_view name_of(Compute compute);

/// Work counted by a run with shapes only.
struct Plan {
  double operations = 0;  // additions and multiplications
};

/// Sees intermediate results by name, e.g. "layers.3": for parity tests and inspection.
using Probe = std::function<void(std::string_view name, const Tensor& value)>;

/// Sees what a weight is multiplied with, x (rows, K): for statistics of activations.
using ProductProbe = std::function<void(const Parameter& weight, const Tensor& x)>;

/// Random numbers of one pass of training: every draw has a number of its own, in the order of the
/// program, so that doing the pass again draws the same.
struct Noise {
  std::uint64_t seed = 0;
  std::uint64_t stream = 0;  // of the pass, below 2^32
  std::uint64_t draws = 0;
};

struct Context {
  ThreadPool& pool;
  Arena& arena;
  const kernel::Table& kernels;
  Compute compute = Compute::fast;
  const StopToken* stop = nullptr;
  Tape* tape = nullptr;    // null: nothing is recorded
  Noise* noise = nullptr;  // null: nothing is dropped
  bool recompute = false;  // layers keep their input alone for backward (nn/recompute.h)
  const Probe* probe = nullptr;
  const ProductProbe* product_probe = nullptr;
  Plan* plan = nullptr;  // not null: shapes only, nothing is computed

  bool planning() const { return plan != nullptr; }
  void show(std::string_view name, const Tensor& value) const {
    if (probe != nullptr && !planning()) (*probe)(name, value);
  }
  /// An uninitialised tensor from the arena.
  Tensor empty(Shape shape, DType dtype = DType::f32) const;
};

/// Calls f(begin, end) for pieces of [0, rows) in parallel; the piece length follows from the work
/// per row alone, never from the number of threads.
template <class F>
void parallel_rows(const Context& context, std::int64_t rows, std::int64_t work_per_row, F&& f) {
  constexpr std::int64_t kWorkPerPiece = 1 << 14;
  const std::int64_t piece =
      std::max<std::int64_t>(1, kWorkPerPiece / std::max<std::int64_t>(1, work_per_row));
  const std::int64_t pieces = (rows + piece - 1) / piece;
  context.pool.parallel_for(pieces,
                            [&](std::int64_t i) { f(i * piece, std::min(rows, (i + 1) * piece)); });
}

}  // namespace pomona
