// The list of element types. Rounding follows the published formulas bit for bit, so the build
// forbids contraction of a * b + c (-ffp-contract=off).
#include "quant/dtype.h"

#include <array>
#include <cstring>

#include "quant/bf16.h"
#include "quant/f16.h"
#include "quant/fp4.h"
#include "quant/iq4.h"
#include "quant/q2_k.h"
#include "quant/q3_k.h"
#include "quant/q4_0.h"
#include "quant/q4_1.h"
#include "quant/q4_k.h"
#include "quant/q5_0.h"
#include "quant/q5_1.h"
#include "quant/q5_k.h"
#include "quant/q6_k.h"
#include "quant/q8_0.h"
#include "quant/search.h"

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
void pack_plain(const float* row, const float* /*importance*/, std::byte* target, std::int64_t K) {
  for (std::int64_t i = 0; i < K; ++i) {
    const Stored stored = kEncode(row[i]);
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
void pack_blocks(const float* row, const float* importance, std::byte* target, std::int64_t K) {
  quant::Importance weights{importance};
  if (importance != nullptr)
    weights.row_mean_square = quant::sum_of_squares(row, K) / static_cast<float>(K);
  for (std::int64_t k = 0; k < K; k += Format::kBlock, target += Format::kBytes) {
    if constexpr (requires { Format::pack(row, target); }) {
      Format::pack(row + k, target);
    } else {
      Format::pack(row + k, weights.from(k), target);
    }
  }
}

float f64_to_f32(double value) { return static_cast<float>(value); }
double f32_to_f64(float value) { return value; }
float same(float value) { return value; }

/// A block format of `quant/`.
template <class Format>
constexpr DTypeInfo blocks(DType dtype, std::string_view name, int gguf_type) {
  static_assert(kLargestBlock % Format::kBlock == 0);
  return {dtype,
          name,
          Format::kBlock,
          Format::kBytes,
          gguf_type,
          unpack_blocks<Format>,
          pack_blocks<Format>};
}

// In the order of the enumeration.
constexpr std::array kTypes = {
    DTypeInfo{DType::f64, "F64", 1, 8, 28, unpack_plain<double, f64_to_f32>,
              pack_plain<double, f32_to_f64>},
    DTypeInfo{DType::f32, "F32", 1, 4, 0, unpack_plain<float, same>, pack_plain<float, same>},
    DTypeInfo{DType::bf16, "BF16", 1, 2, 30, unpack_plain<std::uint16_t, quant::bf16_to_f32>,
              pack_plain<std::uint16_t, quant::f32_to_bf16>},
    DTypeInfo{DType::f16, "F16", 1, 2, 1, unpack_plain<std::uint16_t, quant::f16_to_f32>,
              pack_plain<std::uint16_t, quant::f32_to_f16>},
    DTypeInfo{DType::i32, "I32", 1, 4, 26, nullptr, nullptr},
    blocks<quant::Q4_0>(DType::q4_0, "Q4_0", 2),
    blocks<quant::Q4_1>(DType::q4_1, "Q4_1", 3),
    blocks<quant::Q5_0>(DType::q5_0, "Q5_0", 6),
    blocks<quant::Q5_1>(DType::q5_1, "Q5_1", 7),
    blocks<quant::Q8_0>(DType::q8_0, "Q8_0", 8),
    blocks<quant::Q2_K>(DType::q2_k, "Q2_K", 10),
    blocks<quant::Q3_K>(DType::q3_k, "Q3_K", 11),
    blocks<quant::Q4_K>(DType::q4_k, "Q4_K", 12),
    blocks<quant::Q5_K>(DType::q5_k, "Q5_K", 13),
    blocks<quant::Q6_K>(DType::q6_k, "Q6_K", 14),
    blocks<quant::IQ4_NL>(DType::iq4_nl, "IQ4_NL", 20),
    blocks<quant::IQ4_XS>(DType::iq4_xs, "IQ4_XS", 23),
    blocks<quant::MXFP4>(DType::mxfp4, "MXFP4", 39),
    blocks<quant::NVFP4>(DType::nvfp4, "NVFP4", 40),
};

static_assert([] {
  for (std::size_t i = 0; i < kTypes.size(); ++i) {
    if (kTypes[i].dtype != static_cast<DType>(i)) return false;
  }
  return true;
}());

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
