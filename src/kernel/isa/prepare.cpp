// Activation rows in the form that GEMM reads.
#include "kernel/isa/functions.h"
#include "simd/vec.h"

namespace pomona::kernel::POMONA_LEVEL {
namespace {

using namespace simd::POMONA_LEVEL;

void copy_f32(const float* x, std::byte* prepared, std::int64_t K) {
  __builtin_memcpy(prepared, x, static_cast<std::size_t>(K) * sizeof(float));
}

void to_bf16(const float* x, std::byte* prepared, std::int64_t K) {
  auto* target = reinterpret_cast<std::uint16_t*>(prepared);
  std::int64_t k = 0;
  for (; k + kLanes<float> <= K; k += kLanes<float>) store_bf16(target + k, load(x + k));
  for (; k < K; ++k) target[k] = static_cast<std::uint16_t>(bf16_bits(broadcast(x[k]))[0]);
  if (K % 2 != 0) target[K] = 0;
}

/// Largest absolute value of a group. Compared as integers, which order like the magnitudes they
/// are the bits of, with NaN on top: one NaN makes the scale, and so the result, NaN.
float largest_magnitude(const float* x) {
  Vec<std::int32_t> largest{};
#pragma GCC unroll 2
  for (int i = 0; i < kGroup; i += kLanes<float>) {
    const Vec<std::int32_t> bits = bits_as<Vec<std::int32_t>>(load(x + i)) & 0x7fffffff;
    largest = bits > largest ? bits : largest;
  }
  return bits_as<float>(reduce_max(largest));
}

/// Below this a group counts as zero: the reciprocal of its scale would overflow.
constexpr float kTiny = 1e-30F;

void quantize_group(const float* x, Int8Group* group) {
  const float amax = largest_magnitude(x);
  const float inverse = amax < kTiny ? 0.0F : 127.0F / amax;
  Vec<std::int32_t> total{};
#pragma GCC unroll 2
  for (int i = 0; i < kGroup; i += kLanes<float>) {
    // Through a saturating range first: not-a-number must not turn into an out-of-range byte.
    const Vec<float> scaled = load(x + i) * inverse;
    const Vec<std::int32_t> q =
        round_to_int(max(min(scaled, broadcast(127.0F)), broadcast(-127.0F)));
    total += q;
    const auto bytes = __builtin_convertvector(q, VecOf<std::int8_t>::quarter);
    __builtin_memcpy(group->q + i, &bytes, sizeof bytes);
  }
  const std::int32_t sum = reduce_add(total);
  group->scale = amax < kTiny ? 0.0F : amax / 127.0F;
  group->minus128 = -128 * sum;
  group->sum = group->scale * static_cast<float>(sum);
}

void to_int8(const float* x, std::byte* prepared, std::int64_t K) {
  auto* groups = reinterpret_cast<Int8Group*>(prepared);
  for (std::int64_t k = 0; k < K; k += kGroup) {
    if (K - k >= kGroup) {
      quantize_group(x + k, groups + k / kGroup);
    } else {
      float rest[kGroup] = {};
      for (std::int64_t i = 0; k + i < K; ++i) rest[i] = x[k + i];
      quantize_group(rest, groups + k / kGroup);
    }
  }
}

}  // namespace

void prepare_rows(PanelKind kind, const float* x, std::int64_t x_stride, std::byte* prepared,
                  std::int64_t T, std::int64_t K) {
  const std::int64_t row_bytes = prepared_row_bytes(kind, K);
  for (std::int64_t t = 0; t < T; ++t, x += x_stride, prepared += row_bytes) {
    switch (kind) {
      case PanelKind::f32:
        copy_f32(x, prepared, K);
        break;
      case PanelKind::bf16:
        to_bf16(x, prepared, K);
        break;
      case PanelKind::u8:
      case PanelKind::u4:
        to_int8(x, prepared, K);
        break;
    }
  }
}

}  // namespace pomona::kernel::POMONA_LEVEL
