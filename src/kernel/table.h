// The table of kernels: plain functions over raw pointers, compiled once per instruction-set level.
// They do not allocate, throw or start threads; callers cut the work into chunks by shape and call
// them per chunk. Alphabet of sizes: docs/notation.md.
#pragma once
#include <cstddef>
#include <cstdint>

#include "kernel/panel.h"
#include "simd/cpu.h"

namespace pomona::kernel {

/// Activation rows in the form that the GEMM of a panel kind reads, made by `prepare_rows`. Each
/// row is independent of the others, so any split over threads or batches gives the same bits.
///   f32: the values. bf16: rounded to nearest even, K padded to pairs. u8 and u4: Int8Group for
///   each 32 values, the same bytes for both kinds.
/// The bytes of one row are an odd multiple of 64.
std::int64_t prepared_row_bytes(PanelKind kind, std::int64_t K);

struct GemmCall {
  const std::byte* rows = nullptr;    // prepared rows, prepared_row_bytes(kind, K) apart
  const std::byte* panels = nullptr;  // first panel of the call
  float* y = nullptr;                 // output of row 0 and the first panel's column 0
  std::int64_t y_stride = 0;          // floats between output rows
  std::int64_t T = 0;                 // rows
  std::int64_t N = 0;                 // output columns, may end inside the last panel
  std::int64_t K = 0;
  bool accumulate = false;  // y += instead of y = (the residual connection)
};

/// One query block of one KV head against a paged cache. Query rows are (position, head in group)
/// pairs: row r belongs to position first_position + r / group, head r % group.
struct AttentionCall {
  const float* q = nullptr;   // (positions, group, E): row stride q_stride per position, E per head
  std::int64_t q_stride = 0;  // floats between positions
  float* y = nullptr;         // same form as q
  std::int64_t y_stride = 0;
  std::int64_t positions = 0;
  std::int64_t first_position = 0;  // absolute position of the first query
  std::int64_t window = 0;          // 0: all earlier positions; else only the last `window`
  const std::byte* const* k_blocks = nullptr;  // per block of kKvBlock positions, this head's keys
  const std::byte* const* v_blocks = nullptr;
  std::int64_t group = 1;  // query heads per KV head
  std::int64_t E = 0;
  float scale = 1;
  float softcap = 0;             // > 0: scores s become softcap * tanh(s / softcap)
  std::byte* scratch = nullptr;  // attention_scratch_bytes(...), 64-byte aligned, this call's alone
};

/// How dense attention makes its scores: scale * q k, then softcap * tanh(score / softcap) if
/// softcap > 0; a row sees itself and the rows before it, only `window` in all if window > 0.
struct Scoring {
  double scale = 1;
  std::int64_t window = 0;
  double softcap = 0;
};

/// Positions in one block of the KV cache.
inline constexpr std::int64_t kKvBlock = 64;

/// Cache block layouts of one head, in the form of GEMM panels, so that attention packs nothing:
///   f32  K [E][64], V [64][E];   bf16  K [E/2][64][2], V [32][E][2];
///   q8   K [E/4][64][4], V [16][E][4] signed bytes, then 64 f32 scales, one for each position.
/// Unwritten places hold zeros.
enum class KvKind : std::uint8_t { f32, bf16, q8 };
inline constexpr std::size_t kKvKinds = 3;
std::int64_t kv_block_bytes(KvKind kind, std::int64_t E);  // keys of one head; values take the same
std::int64_t attention_scratch_bytes(std::int64_t positions, std::int64_t group, std::int64_t E);

/// What a feed-forward layer bends its values with: x sigmoid(x); x Phi(x) by its approximation
/// with tanh (PyTorch's "tanh", the hub's gelu_new and gelu_pytorch_tanh); x Phi(x) itself.
enum class Activation : std::uint8_t { silu, gelu_tanh, gelu_erf };
inline constexpr std::size_t kActivations = 3;

/// One activation a, by element. Gradient kernels add to their outputs; dy and activate_back's dx
/// are (rows, F) without gaps.
template <class T>
struct ActivationKernels {
  /// y = a(x), rows of F with strides.
  void (*activate)(const T* x, std::int64_t x_stride, T* y, std::int64_t y_stride,
                   std::int64_t rows, std::int64_t F);
  void (*activate_back)(const T* dy, const T* x, std::int64_t x_stride, T* dx, std::int64_t rows,
                        std::int64_t F);
  /// y = a(gate) * up, rows of F with strides (gate and up may be halves of one tensor).
  void (*gated)(const T* gate, const T* up, std::int64_t x_stride, T* y, std::int64_t y_stride,
                std::int64_t rows, std::int64_t F);
  void (*gated_back)(const T* dy, const T* gate, const T* up, std::int64_t x_stride, T* dgate,
                     T* dup, std::int64_t dx_stride, std::int64_t rows, std::int64_t F);
};

/// The numbers of one step of AdamW. With g = gradient * its given value:
///   m += mean_step (g - m);  v = square_keep v + square_step g^2;
///   w = weight_keep w - step m / (deviation sqrt(v) + epsilon).
template <class T>
struct AdamWFactors {
  T gradient = 1;
  T mean_step = 0;    // 1 - beta1
  T square_keep = 0;  // beta2
  T square_step = 0;  // 1 - beta2
  T weight_keep = 1;  // 1 - learning rate * weight decay
  T step = 0;         // learning rate / (1 - beta1^t)
  T deviation = 1;    // 1 / sqrt(1 - beta2^t)
  T epsilon = 0;
};

/// The numbers of one step of descent with momentum:
///   u = velocity_keep u + gradient g + decay w;  w -= step u.
template <class T>
struct MomentumFactors {
  T gradient = 1;
  T decay = 0;
  T velocity_keep = 0;
  T step = 0;
};

/// The kernels on T = float, once per level, and on T = double, portable: the oracle of all others.
/// Gradient kernels add to their outputs; a null output is not wanted and not computed.
template <class T>
struct MathTable {
  /// y = x / sqrt(mean(x^2) + eps) * weight per row of D; rstd (rows) is kept for backward if not
  /// null.
  void (*rms_norm)(const T* x, const T* weight, T* y, T* rstd, std::int64_t rows, std::int64_t D,
                   double eps);
  void (*rms_norm_back)(const T* dy, const T* x, const T* weight, const T* rstd, T* dx, T* dweight,
                        std::int64_t rows, std::int64_t D);
  /// y = (x - mean) / sqrt(mean of squares of x - mean, + eps) * weight + bias per row of D; bias
  /// may be null. mean and rstd (rows) are kept for backward if not null.
  void (*layer_norm)(const T* x, const T* weight, const T* bias, T* y, T* mean, T* rstd,
                     std::int64_t rows, std::int64_t D, double eps);
  void (*layer_norm_back)(const T* dy, const T* x, const T* weight, const T* mean, const T* rstd,
                          T* dx, T* dweight, T* dbias, std::int64_t rows, std::int64_t D);
  /// Rotates pairs (i, i + R/2), i < R/2 <= E/2, of each head and copies its other values: x (T,
  /// heads, E) with row stride, angles (T, R): R/2 cosines then R/2 sines, which may be longer than
  /// 1. direction +1 rotates forward, -1 back (its gradient). x and y may be the same rows.
  void (*rope)(const T* x, std::int64_t x_stride, const T* angles, T* y, std::int64_t y_stride,
               std::int64_t rows, std::int64_t heads, std::int64_t E, std::int64_t R,
               int direction);
  ActivationKernels<T> activations[kActivations];
  /// y += x, n values.
  void (*add)(const T* x, T* y, std::int64_t n);
  /// y = factor * x, n values; x and y may be the same.
  void (*scale)(const T* x, T factor, T* y, std::int64_t n);
  /// y = cap * tanh(x / cap), n values; x and y may be the same. Its gradient follows from y.
  void (*soft_cap)(const T* x, T cap, T* y, std::int64_t n);
  void (*soft_cap_back)(const T* dy, const T* y, T cap, T* dx, std::int64_t n);
  /// Per row of V logits: loss = log(sum(exp)) - logit[target]; lse (rows) kept for backward.
  /// target -1: loss 0.
  void (*cross_entropy)(const T* logits, const std::int32_t* target, T* loss, T* lse,
                        std::int64_t rows, std::int64_t V);
  void (*cross_entropy_back)(const T* dloss, const T* logits, const std::int32_t* target,
                             const T* lse, T* dlogits, std::int64_t rows, std::int64_t V);
  /// One step of AdamW on n weights; mean and square are its state.
  void (*adamw)(const T* gradient, T* weight, T* mean, T* square, std::int64_t n,
                const AdamWFactors<T>& factors);
  /// One step of descent on n weights; without a velocity (null) the step is the gradient's.
  void (*momentum)(const T* gradient, T* weight, T* velocity, std::int64_t n,
                   const MomentumFactors<T>& factors);
  /// Sum of x^2 over n values, rounded as four chains of vectors.
  T (*square_sum)(const T* x, std::int64_t n);
  /// Reference products, K ascending per output: y (M, N) (+)= a (M, K) b (N, K)^T; a (M, K) b (K,
  /// N); a (K, M)^T b (K, N).
  void (*matmul_nt)(const T* a, const T* b, T* y, std::int64_t M, std::int64_t N, std::int64_t K,
                    bool accumulate);
  void (*matmul_nn)(const T* a, const T* b, T* y, std::int64_t M, std::int64_t N, std::int64_t K,
                    bool accumulate);
  void (*matmul_tn)(const T* a, const T* b, T* y, std::int64_t M, std::int64_t N, std::int64_t K,
                    bool accumulate);
  /// Causal attention of one packed sequence and one query head, dense tensors with row strides: q,
  /// k, v (T, E) -> y (T, E); lse (T) kept for backward. E <= 256.
  void (*attention)(const T* q, std::int64_t q_stride, const T* k, const T* v,
                    std::int64_t kv_stride, T* y, std::int64_t y_stride, T* lse, std::int64_t rows,
                    std::int64_t E, const Scoring& scoring);
  void (*attention_back)(const T* dy, const T* y, std::int64_t y_stride, const T* q,
                         std::int64_t q_stride, const T* k, const T* v, std::int64_t kv_stride,
                         const T* lse, T* dq, T* dk, T* dv, std::int64_t dq_stride,
                         std::int64_t dkv_stride, std::int64_t rows, std::int64_t E,
                         const Scoring& scoring);
};

/// Loops at the limits of the processor, timed by roof.h. The compute loops return the operations
/// they did, the read loops the bytes they read.
struct RoofTable {
  std::int64_t (*f32)(std::int64_t rounds);
  std::int64_t (*bf16)(std::int64_t rounds);
  std::int64_t (*int8)(std::int64_t rounds);
  std::int64_t (*read_one_stream)(const std::byte* data, std::int64_t bytes);
  std::int64_t (*read_four_streams)(const std::byte* data, std::int64_t bytes);
};

struct Table {
  simd::Level level;
  RoofTable roof;
  MathTable<float> f32;

  /// Prepares rows x (T, K), x_stride floats apart, for the GEMM of `kind`, prepared_row_bytes
  /// apart.
  void (*prepare_rows)(PanelKind kind, const float* x, std::int64_t x_stride, std::byte* prepared,
                       std::int64_t T, std::int64_t K);
  /// y (T, N) = rows (T, K) W (N, K)^T for the panels given; one function for each panel kind.
  void (*gemm[4])(const GemmCall& call);
  /// Packs outputs [64 p, 64 p + 64) of W (N, K), stored as `dtype` rows `row_bytes` apart, into
  /// panel p of `layout` at `panel`. Rows beyond N and values beyond K become zero. u8 and u4 take
  /// only block formats whose native_panel they are.
  void (*pack_panel)(const PanelLayout& layout, DType dtype, const std::byte* rows,
                     std::int64_t row_bytes, std::int64_t rows_left, std::byte* panel);

  /// For products that run the other way; kinds f32 and bf16 only. Both agree with pack_panel and
  /// prepare_rows of the transposed matrix to the bit.
  /// Rows [first, first + count) of X (K, N), the first of them at `rows`, stored as `dtype`
  /// row_bytes apart, into their places in all panels of X^T (N, K), whose layout is `layout`.
  /// `first` is even; `count` too, unless the last row is among them.
  void (*pack_turned)(const PanelLayout& layout, DType dtype, const std::byte* rows,
                      std::int64_t row_bytes, std::int64_t first, std::int64_t count,
                      std::byte* panels);
  /// Columns of x (T, N), x_stride floats between rows, as N prepared rows of T values,
  /// prepared_row_bytes(kind, T) apart.
  void (*prepare_turned)(PanelKind kind, const float* x, std::int64_t x_stride, std::byte* prepared,
                         std::int64_t T, std::int64_t N);

  /// Writes one head's key or value rows (T, E), stride floats apart, at positions first.. of the
  /// sequence into its cache blocks (blocks[position / kKvBlock]).
  void (*store_keys[kKvKinds])(const float* k, std::int64_t stride, std::byte* const* blocks,
                               std::int64_t first, std::int64_t T, std::int64_t E);
  void (*store_values[kKvKinds])(const float* v, std::int64_t stride, std::byte* const* blocks,
                                 std::int64_t first, std::int64_t T, std::int64_t E);
  /// Causal attention over the cache, by KvKind. A row's result does not depend on the other rows
  /// of the call.
  void (*paged_attention[kKvKinds])(const AttentionCall& call);

  /// Largest value of n floats, and where (the first of equals). n > 0. NaN counts as -inf.
  std::int64_t (*argmax)(const float* x, std::int64_t n);
  /// x[i] = exp((x[i] - max) * inverse_temperature) for n values; returns their sum.
  double (*exp_sum)(float* x, std::int64_t n, float max, float inverse_temperature);
};

/// The table of a level; throws unsupported if this processor lacks it.
const Table& table(simd::Level level);
/// The table of simd::level_in_use().
const Table& table();
/// The double-precision oracle.
const MathTable<double>& oracle();

}  // namespace pomona::kernel
