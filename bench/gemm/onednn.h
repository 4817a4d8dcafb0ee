// oneDNN's GEMM (Debian's libdnnl) as a yardstick.
#pragma once
#include <cstdint>
#include <functional>

namespace pomona::bench {

enum class Precision { f32, bf16, u8s8 };

/// A call that multiplies (T, K) by a (N, K) matrix, transposed, into f32 (u8s8: int32). The
/// weights lie as in a checkpoint, or in the order that the library prefers if `prepacked`.
std::function<void()> onednn_gemm(Precision precision, std::int64_t T, std::int64_t K,
                                  std::int64_t N, bool prepacked);

}  // namespace pomona::bench
