// The element types of tensors. A block format stores `block` values in `bytes` bytes in the layout
// of its file (GGUF's ggml_type); one header beside this one describes each, and dtype.cpp lists
// them all.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace pomona {

enum class DType : std::uint8_t { f64, f32, bf16, f16, i32, q4_1, q8_0 };

struct DTypeInfo {
  DType dtype;
  std::string_view name;  // as users write it: "F32", "Q4_1"
  std::int64_t block;     // values in one block; 1 for plain types
  std::int64_t bytes;     // bytes of one block
  int gguf_type;          // number of the type in GGUF files
  /// Decodes `count` values (a multiple of `block`) to f32; null for i32.
  void (*unpack)(const std::byte* source, float* values, std::int64_t count);
  /// Encodes `count` values (a multiple of `block`) from f32; null where Pomona does not write the
  /// type.
  void (*pack)(const float* values, std::byte* target, std::int64_t count);
};

const DTypeInfo& info(DType dtype);

/// The type with this GGUF number, or nullopt if Pomona does not read it.
std::optional<DType> dtype_from_gguf(int gguf_type);

/// Bytes of `count` values, a multiple of the type's block.
std::int64_t bytes_of(DType dtype, std::int64_t count);

inline bool is_block_format(DType dtype) { return info(dtype).block > 1; }

}  // namespace pomona
