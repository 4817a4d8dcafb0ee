#include "store/element_type.h"

#include <array>
#include <cstring>

#include "quant/f8.h"

namespace pomona::store {
namespace {

constexpr int kNotInGguf = -1;

template <class Stored>
void unpack_number(const std::byte* source, float* values, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    Stored stored;
    std::memcpy(&stored, source + i * static_cast<std::int64_t>(sizeof stored), sizeof stored);
    values[i] = static_cast<float>(stored);
  }
}

template <float (*decode)(std::uint8_t)>
void unpack_byte(const std::byte* source, float* values, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i)
    values[i] = decode(std::to_integer<std::uint8_t>(source[i]));
}

float bool_to_f32(std::uint8_t value) { return value == 0 ? 0.0f : 1.0f; }

struct Row {
  ElementType type;
  int gguf_type;
  bool in_safetensors;
};

/// A plain type of safetensors (its specification, and the reference reader's list of types).
constexpr Row plain(std::string_view name, std::int64_t bytes,
                    void (*unpack)(const std::byte*, float*, std::int64_t) = nullptr,
                    int gguf_type = kNotInGguf, std::int64_t block = 1) {
  return {{name, block, bytes, std::nullopt, unpack}, gguf_type, true};
}

/// A format of ggml that is copied but not decoded: values and bytes of a block.
constexpr Row copied(std::string_view name, int gguf_type, std::int64_t block, std::int64_t bytes) {
  return {{name, block, bytes, std::nullopt, nullptr}, gguf_type, false};
}

// What DType does not have. F4 and F6 pack several values into whole bytes.
constexpr auto kOthers = std::to_array<Row>({
    plain("BOOL", 1, unpack_byte<bool_to_f32>),
    plain("U8", 1, unpack_number<std::uint8_t>),
    plain("I8", 1, unpack_number<std::int8_t>, 24),
    plain("U16", 2, unpack_number<std::uint16_t>),
    plain("I16", 2, unpack_number<std::int16_t>, 25),
    plain("U32", 4, unpack_number<std::uint32_t>),
    plain("U64", 8, unpack_number<std::uint64_t>),
    plain("I64", 8, unpack_number<std::int64_t>, 27),
    plain("F8_E4M3", 1, unpack_byte<quant::f8_e4m3_to_f32>),
    plain("F8_E5M2", 1, unpack_byte<quant::f8_e5m2_to_f32>),
    plain("F8_E8M0", 1, unpack_byte<quant::f8_e8m0_to_f32>),
    plain("F8_E4M3FNUZ", 1),
    plain("F8_E5M2FNUZ", 1),
    plain("F4", 1, nullptr, kNotInGguf, 2),
    plain("F6_E2M3", 3, nullptr, kNotInGguf, 4),
    plain("F6_E3M2", 3, nullptr, kNotInGguf, 4),
    plain("C64", 8),
    copied("C128", kNotInGguf, 1, 16),
    copied("Q8_1", 9, 32, 36),
    copied("Q8_K", 15, 256, 292),
    copied("IQ2_XXS", 16, 256, 66),
    copied("IQ2_XS", 17, 256, 74),
    copied("IQ3_XXS", 18, 256, 98),
    copied("IQ1_S", 19, 256, 50),
    copied("IQ3_S", 21, 256, 110),
    copied("IQ2_S", 22, 256, 82),
    copied("IQ1_M", 29, 256, 56),
    copied("TQ1_0", 34, 256, 54),
    copied("TQ2_0", 35, 256, 66),
    copied("Q1_0", 41, 128, 18),
    copied("Q2_0", 42, 64, 18),
});

/// All types of GGUF have smaller numbers.
constexpr int kGgufTypesEnd = 256;

}  // namespace

ElementType element_type(DType dtype) {
  const DTypeInfo& type = info(dtype);
  if (dtype == DType::i32)
    return {type.name, type.block, type.bytes, dtype, unpack_number<std::int32_t>};
  return {type.name, type.block, type.bytes, dtype, type.unpack};
}

std::optional<ElementType> element_type(std::string_view name) {
  for (int number = 0; number < kGgufTypesEnd; ++number) {
    const auto dtype = dtype_from_gguf(number);
    if (dtype && info(*dtype).name == name) return element_type(*dtype);
  }
  for (const Row& row : kOthers)
    if (row.type.name == name) return row.type;
  return std::nullopt;
}

ElementType element_type_from_gguf(std::uint32_t gguf_type) {
  if (gguf_type >= kGgufTypesEnd) return {};
  const int number = static_cast<int>(gguf_type);
  if (const auto dtype = dtype_from_gguf(number)) return element_type(*dtype);
  for (const Row& row : kOthers)
    if (row.gguf_type == number) return row.type;
  return {};
}

std::optional<std::uint32_t> gguf_type_of(const ElementType& type) {
  if (type.dtype) return static_cast<std::uint32_t>(info(*type.dtype).gguf_type);
  for (const Row& row : kOthers)
    if (row.type == type && row.gguf_type != kNotInGguf)
      return static_cast<std::uint32_t>(row.gguf_type);
  return std::nullopt;
}

bool is_safetensors_type(const ElementType& type) {
  if (type.dtype) return !is_block_format(*type.dtype);
  for (const Row& row : kOthers)
    if (row.type == type) return row.in_safetensors;
  return false;
}

}  // namespace pomona::store
