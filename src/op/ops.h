// The whole vocabulary of the engine: coarse, fused operations, one file each. Every op throws
// bad_shape with its name and the shapes it was given; docs/notation.md has the alphabet. Under a
// tape an op is recorded where an input needs a gradient; while planning only shapes and work are
// counted.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "tensor/context.h"
#include "tensor/packed.h"
#include "tensor/tape.h"

namespace pomona::op {

/// Rows of a table. weight (V, D) in any storage format, tokens (T) -> (T, D). Tokens V, V + 1, ...
/// are the rows of `behind` (P, D), which may be undefined.
Tensor embedding(const Context& context, const Tensor& weight, const Tensor& tokens,
                 const Tensor& behind = {});

/// Root mean square normalisation (Zhang and Sennrich 2019, arXiv:1910.07467): x / sqrt(mean(x^2) +
/// eps) * weight. x (T, D), weight (D) -> (T, D). A weight (E) with D a multiple of E normalises
/// each E values on their own: the heads of queries and keys.
Tensor rms_norm(const Context& context, const Tensor& x, const Tensor& weight, double eps);

/// Layer normalisation (Ba et al. 2016, arXiv:1607.06450): (x - mean(x)) / sqrt(variance(x) + eps)
/// * weight + bias, each over a row. x (T, D), weight (D), bias (D) or undefined -> (T, D).
Tensor layer_norm(const Context& context, const Tensor& x, const Tensor& weight, const Tensor& bias,
                  double eps);

/// Products with several weights that share their input, side by side: x (T, K), weights (N_i, K)
/// -> (T, sum N_i). `biases`: none, or one for each weight, (N_i) or null. A weight's low-rank
/// changes (Parameter::adapters) count.
Tensor linear(const Context& context, const Tensor& x, std::span<const Parameter* const> weights,
              std::span<const Parameter* const> biases = {});

/// residual (T, N) + x (T, K) weight (N, K)^T + bias (N), which may be null. Unless recording, the
/// sum is written into residual, which is returned.
Tensor linear_add(const Context& context, const Tensor& residual, const Tensor& x,
                  const Parameter& weight, const Parameter* bias = nullptr);

/// Angles for rope: positions (T), radians per position `frequencies` (R/2) -> (T, R), R/2 cosines
/// then R/2 sines, all times `length` (YaRN's attention factor). nn/rope.h has the frequencies.
Tensor rope_angles(const Context& context, std::span<const std::int32_t> positions,
                   std::span<const double> frequencies, double length = 1,
                   DType dtype = DType::f32);

/// Rotary position embedding (Su et al. 2021, arXiv:2104.09864, eq. 34), pairs (i, i + R/2) as
/// checkpoints of the hub have them. x (T, heads * E), angles (T, R), R <= E: the first R values of
/// each head turn, the others stay -> (T, heads * E). E = 0: R.
Tensor rope(const Context& context, const Tensor& x, const Tensor& angles, std::int64_t E = 0);

/// What families vary of attention.
struct AttentionOptions {
  double scale = 0;         // of the scores q k; 0: 1/sqrt(E)
  std::int64_t window = 0;  // > 0: a row sees only the last `window` positions, itself included
  double softcap = 0;       // > 0: a score s becomes softcap * tanh(s / softcap)
};

/// Causal attention (Vaswani et al. 2017, arXiv:1706.03762, eq. 1) of packed sequences, `lengths`
/// rows each, in order. q (T, H * E), k and v (T, G * E), H a multiple of G -> (T, H * E).
Tensor attention(const Context& context, const Tensor& q, const Tensor& k, const Tensor& v,
                 std::span<const std::int64_t> lengths, std::int64_t E,
                 const AttentionOptions& options = {});

/// Positions that rows first.. first + rows - 1 of a sequence see, on average.
double mean_seen(const AttentionOptions& options, std::int64_t first, std::int64_t rows);

/// Where the rows of one sequence stand in a batch, and its cache: `blocks` of kernel::kKvBlock
/// positions; the keys of KV head g are at blocks[b] + g * head_bytes, its values at blocks[b] + (G
/// + g) * head_bytes.
struct CacheSlice {
  std::int64_t first_row = 0;
  std::int64_t rows = 0;
  std::int64_t first_position = 0;
  std::span<std::byte* const> blocks;
};

/// Writes k and v (T, G * E) into the cache, then attends to everything cached up to each row's
/// position. q (T, H * E) -> (T, H * E). A result does not depend on the other rows of the batch.
/// Throws bad_argument under a tape if an input needs a gradient: a cache has none.
Tensor cached_attention(const Context& context, const Tensor& q, const Tensor& k, const Tensor& v,
                        std::span<const CacheSlice> slices, kernel::KvKind kind, std::int64_t E,
                        const AttentionOptions& options = {});

using kernel::Activation;

/// Gated activation a(gate) * up (Shazeer 2020, arXiv:2002.05202): x (T, 2F), gate then up -> (T,
/// F).
Tensor gated(const Context& context, const Tensor& x, Activation activation);

/// a(x) by element: x (T, F) -> (T, F).
Tensor activate(const Context& context, const Tensor& x, Activation activation);

/// a + b, equal shapes.
Tensor add(const Context& context, const Tensor& a, const Tensor& b);

/// factor * x, any shape.
Tensor scale(const Context& context, const Tensor& x, double factor);

/// cap * tanh(x / cap), any shape; cap > 0.
Tensor soft_cap(const Context& context, const Tensor& x, double cap);

/// Columns [start, start + length) of x (T, D), as a view. Ops that do not take one refuse it.
Tensor columns(const Context& context, const Tensor& x, std::int64_t start, std::int64_t length);

/// Rows `index` of x (T, D) -> (n, D).
Tensor gather_rows(const Context& context, const Tensor& x, std::span<const std::int32_t> index);

/// Negative log-likelihood per row: logits (T, V), targets (T), -1 for rows that do not count ->
/// (T).
Tensor cross_entropy(const Context& context, const Tensor& logits, const Tensor& targets);

/// x (T, D) with its rows `to` replaced by rows `from` of a table (P, D) -> (T, D). None of `to`
/// stands there twice.
Tensor replace_rows(const Context& context, const Tensor& x, const Tensor& table,
                    std::span<const std::int32_t> to, std::span<const std::int32_t> from);

/// Sum of x times `factor` -> (1).
Tensor scaled_sum(const Context& context, const Tensor& x, double factor);

/// x (T, D) with its rows side by side: itself, or a copy of a view. Carries no gradient.
Tensor contiguous(const Context& context, const Tensor& x);

/// Samples of every op for the gradient check, in double precision.
std::vector<Sample> all_samples();

/// Fills f64 (or f32) tensors for samples: fixed pseudo-random values in [-1, 1).
Tensor sample_tensor(Shape shape, std::uint64_t stream, DType dtype = DType::f64);

/// Chooses the kernels of T = float (the context's level) or double (the oracle).
template <class T>
const kernel::MathTable<T>& math(const Context& context) {
  if constexpr (std::is_same_v<T, double>) {
    return kernel::oracle();
  } else {
    return context.kernels.f32;
  }
}

template <class T>
const kernel::ActivationKernels<T>& kernels_of(const Context& context, Activation activation) {
  return math<T>(context).activations[static_cast<std::size_t>(activation)];
}

/// Calls f.template operator()<T>() with the value type of `tensor` (f32 or f64).
template <class F>
void with_type(const Tensor& tensor, F&& f) {
  if (tensor.dtype() == DType::f64) {
    f.template operator()<double>();
  } else {
    f.template operator()<float>();
  }
}

template <class T>
T* data_or_null(const Tensor& tensor) {
  return tensor.defined() ? tensor.data<T>() : nullptr;
}

}  // namespace pomona::op
