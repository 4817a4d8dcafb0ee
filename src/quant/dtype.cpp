// The list of element types. Rounding follows the published formulas bit for bit, so the build
// forbids contraction of a * b + c (-ffp-contract=off).
#include "quant/dtype.h"

#include <array>
#include <cstring>

#include "quant/bf16.h"
#include "quant/f16.h"
#include "quant/q4_1.h"
#include "quant/q8_0.h"

namespace pomona {

namespace {

template <class Stored, float (*kDecode)(Stored)>
void unpack_plain(const std::byte* source, float* values, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    Stored stored;
    std::memcpy(&stored, source + i * static_cast<std::int64_t>(sizeof stored), sizeof stored);
    values[i] = kDecode(stored);
  }
}

template <class Stored, Stored (*kEncode)(float)>
void pack_plain(const float* values, std::byte* target, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    const Stored stored = kEncode(values[i]);
    std::memcpy(target + i * static_cast<std::int64_t>(sizeof stored), &stored, sizeof stored);
  }
}

template <class Format>
void unpack_blocks(const std::byte* source, float* values, std::int64_t count) {
  for (std::int64_t b = 0; b < count / Format::kBlock; ++b) {
    Format::unpack(source + b * Format::kBytes, values + b * Format::kBlock);
  }
}

template <class Format>
void pack_blocks(const float* values, std::byte* target, std::int64_t count) {
  for (std::int64_t b = 0; b < count / Format::kBlock; ++b) {
    Format::pack(values + b * Format::kBlock, target + b * Format::kBytes);
  }
}

float f64_to_f32(double value) { return static_cast<float>(value); }
double f32_to_f64(float value) { return value; }
float same(float value) { return value; }

using quant::Q4_1;
using quant::Q8_0;

// In the order of the enumeration.
constexpr std::array<DTypeInfo, 7> kTypes = {{
    {DType::f64, "F64", 1, 8, 28, unpack_plain<double, f64_to_f32>, pack_plain<double, f32_to_f64>},
    {DType::f32, "F32", 1, 4, 0, unpack_plain<float, same>, pack_plain<float, same>},
    {DType::bf16, "BF16", 1, 2, 30, unpack_plain<std::uint16_t, quant::bf16_to_f32>,
     pack_plain<std::uint16_t, quant::f32_to_bf16>},
    {DType::f16, "F16", 1, 2, 1, unpack_plain<std::uint16_t, quant::f16_to_f32>,
     pack_plain<std::uint16_t, quant::f32_to_f16>},
    {DType::i32, "I32", 1, 4, 26, nullptr, nullptr},
    {DType::q4_1, "Q4_1", Q4_1::kBlock, Q4_1::kBytes, 3, unpack_blocks<Q4_1>, pack_blocks<Q4_1>},
    {DType::q8_0, "Q8_0", Q8_0::kBlock, Q8_0::kBytes, 8, unpack_blocks<Q8_0>, pack_blocks<Q8_0>},
}};

}  // namespace

const DTypeInfo& info(DType dtype) { return kTypes[static_cast<std::size_t>(dtype)]; }

std::optional<DType> dtype_from_gguf(int gguf_type) {
  for (const DTypeInfo& type : kTypes) {
    if (type.gguf_type == gguf_type) return type.dtype;
  }
  return std::nullopt;
}

std::int64_t bytes_of(DType dtype, std::int64_t count) {
  return count / info(dtype).block * info(dtype).bytes;
}

}  // namespace pomona
