// The element types of tensors. A block format stores `block` values in `bytes` bytes in the layout
// of its file (GGUF's ggml_type); one header beside this one describes each, and dtype.cpp lists
// them all.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace pomona {

enum class DType : std::uint8_t {
  f64,
  f32,
  bf16,
  f16,
  i32,
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  q8_0,
  q2_k,
  q3_k,
  q4_k,
  q5_k,
  q6_k,
  iq4_nl,
  iq4_xs,
  mxfp4,
  nvfp4,
};

/// The most values that one block of any format has; every block size divides it.
inline constexpr std::int64_t kLargestBlock = 256;

struct DTypeInfo {
  DType dtype;
  std::string_view name;  // as users write it: "F32", "Q4_1"
  std::int64_t block;     // values in one block; 1 for plain types
  std::int64_t bytes;     // bytes of one block
  int gguf_type;          // number of the type in GGUF files
  /// Decodes `count` values (a multiple of `block`) to f32; null for i32.
  void (*unpack)(const std::byte* source, float* values, std::int64_t count);
  /// Encodes one row of K values (a multiple of `block`) from f32; null where Pomona does not write
  /// the type. `importance`: K weights of the values' errors, e.g. the mean square of what each is
  /// multiplied with, or null. Formats that search nothing do not look at it.
  void (*pack)(const float* row, const float* importance, std::byte* target, std::int64_t K);
};

const DTypeInfo& info(DType dtype);

/// The type with this GGUF number, or nullopt if Pomona does not read it.
std::optional<DType> dtype_from_gguf(int gguf_type);

/// Bytes of `count` values, a multiple of the type's block.
std::int64_t bytes_of(DType dtype, std::int64_t count);

inline bool is_block_format(DType dtype) { return info(dtype).block > 1; }

}  // namespace pomona
