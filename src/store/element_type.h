// How the values of a tensor lie in a checkpoint: the types that tensors compute with, and others
// that are listed, copied byte for byte, or decoded.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "quant/dtype.h"

namespace pomona::store {

struct ElementType {
  /// As safetensors and GGUF write it: "F32", "Q4_1", "F8_E4M3", "I64"; "unknown" for what a file
  /// has and nobody here knows the layout of.
  std::string_view name = "unknown";
  std::int64_t block = 1;  // values in one block; 1 for plain types
  std::int64_t bytes = 0;  // bytes of one block; 0 if unknown
  /// The type a Tensor has on these bytes; empty if no op takes them.
  std::optional<DType> dtype;
  /// Decodes `count` values (a multiple of `block`) to f32, integers rounded and bools as 0 or 1;
  /// null if Pomona does not know how.
  void (*unpack)(const std::byte* source, float* values, std::int64_t count) = nullptr;

  bool is_known() const { return bytes != 0; }
  bool operator==(const ElementType& other) const { return name == other.name; }
};

ElementType element_type(DType dtype);

/// The type with this name, or nullopt.
std::optional<ElementType> element_type(std::string_view name);

/// The type with this number in GGUF files; not is_known() if the number means nothing here.
ElementType element_type_from_gguf(std::uint32_t gguf_type);

/// The number of a type in GGUF files, or nullopt if they cannot hold it.
std::optional<std::uint32_t> gguf_type_of(const ElementType& type);

/// Whether safetensors files can hold the type (they have no block-quantised ones).
bool is_safetensors_type(const ElementType& type);

}  // namespace pomona::store
