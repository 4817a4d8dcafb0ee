// Element types: bytes as published (SHA-256 of the quantisers' output on a fixed input, made with
// ggml d99724f), exact decoding, and every value of the 16-bit formats.
#include "quant/dtype.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/hash.h"
#include "quant/bf16.h"
#include "quant/f16.h"
#include "quant/fp4.h"
#include "tests/support/golden.h"

namespace pomona {
namespace {

/// The generator of the published hashes: 16 rows of 1024 values, a cube of a uniform value.
std::vector<float> published_input() {
  std::vector<float> values(16 * 1024);
  std::uint64_t state = 42;
  for (float& value : values) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    const float u = (static_cast<float>(state >> 40) - 8388608.0F) / 8388608.0F;
    value = ((u * u) * u) * 0.25F;
  }
  return values;
}

std::string hash_of(const void* data, std::size_t bytes) {
  return sha256_hex({static_cast<const char*>(data), bytes}).substr(0, 16);
}

/// The published importances, the same for each row.
std::vector<float> published_importance() {
  std::vector<float> weights(1024);
  std::uint64_t state = 7;
  for (float& weight : weights) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    weight = 0.5F + static_cast<float>(state >> 40) / 16777216.0F;
  }
  return weights;
}

struct Published {
  DType dtype;
  const char* hash;
  const char* weighted;  // with importances; null: the same
  double rmse;
};

constexpr Published kPublished[] = {
    {DType::bf16, "4c613df341ebadad", nullptr, 1.432179e-4},
    {DType::f16, "897e615c093ca3d6", nullptr, 1.794473e-5},
    {DType::q8_0, "1cd01238fb7d12b9", nullptr, 4.901556e-4},
    {DType::q4_0, "0a1e6edda773d377", "fb1325cee231cc57", 7.563300e-3},
    {DType::q4_1, "555af10c5f12f04a", "dd138d7d71a2bbe1", 7.979151e-3},
    {DType::q5_0, "d4354d0de802c01a", "942376e95fc05355", 3.809812e-3},
    {DType::q5_1, "56821bad6903d44d", "0e1bed15db347eb0", 3.866644e-3},
    {DType::q2_k, "739805851fa6c11d", "8c651c3446b96401", 3.328201e-2},
    {DType::q3_k, "b5e3fc0f130f611b", "094045c6df019e9e", 1.320347e-2},
    {DType::q4_k, "05750d13711f9976", "2e5297cd038e2dd1", 6.879782e-3},
    {DType::q5_k, "4dafdf25a5b793c1", "465d26136f3b57c2", 3.539884e-3},
    {DType::q6_k, "8b5c674680b23143", "902642e0a50efca4", 1.670441e-3},
    {DType::iq4_nl, "e6719285ac46b5cd", "ed42927ba0fb28ca", 6.779189e-3},
    {DType::iq4_xs, "cf82dd3d60c97b0b", "81f0cf5c2059096d", 6.824650e-3},
    {DType::mxfp4, "c2acc9ba4d223566", nullptr, 1.321901e-2},
    {DType::nvfp4, "fa457f7da5f291a6", nullptr, 9.115539e-3},
};

/// 16 rows, each packed on its own.
std::vector<std::byte> pack_rows(DType dtype, const std::vector<float>& x,
                                 const float* importance) {
  const auto row_bytes = static_cast<std::size_t>(bytes_of(dtype, 1024));
  std::vector<std::byte> packed(16 * row_bytes);
  for (std::size_t row = 0; row < 16; ++row)
    info(dtype).pack(x.data() + row * 1024, importance, packed.data() + row * row_bytes, 1024);
  return packed;
}

TEST(DType, QuantisersWriteThePublishedBytes) {
  const std::vector<float> x = published_input();
  const std::vector<float> importance = published_importance();
  ASSERT_EQ(hash_of(x.data(), x.size() * sizeof(float)), "64d4ee8217e4cf81");
  ASSERT_EQ(hash_of(importance.data(), importance.size() * sizeof(float)), "2c6a29c3c78720a9");
  for (const Published& expected : kPublished) {
    const std::string_view name = info(expected.dtype).name;
    const auto weighted = pack_rows(expected.dtype, x, importance.data());
    EXPECT_EQ(hash_of(weighted.data(), weighted.size()),
              expected.weighted != nullptr ? expected.weighted : expected.hash)
        << name << " with importances";
    const auto packed = pack_rows(expected.dtype, x, nullptr);
    EXPECT_EQ(hash_of(packed.data(), packed.size()), expected.hash) << name;
    std::vector<float> back(x.size());
    const auto count = static_cast<std::int64_t>(x.size());
    info(expected.dtype).unpack(packed.data(), back.data(), count);
    double squares = 0;
    for (std::size_t i = 0; i < x.size(); ++i)
      squares += std::pow(static_cast<double>(back[i]) - x[i], 2);
    // Seven digits are published.
    EXPECT_NEAR(std::sqrt(squares / static_cast<double>(count)), expected.rmse,
                1e-6 * expected.rmse)
        << name;
  }
}

std::vector<std::byte> bytes_of_hex(const std::string& hex) {
  std::vector<std::byte> bytes(hex.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::byte>(std::stoi(hex.substr(2 * i, 2), nullptr, 16));
  return bytes;
}

TEST(DType, EveryBlockFormatDecodesToTheReferencesFloats) {
  const golden::Golden reference("block_formats");
  int formats = 0;
  for (int number = 0; number < 64; ++number) {
    const auto dtype = dtype_from_gguf(number);
    if (!dtype || !is_block_format(*dtype)) continue;
    ++formats;
    const DTypeInfo& type = info(*dtype);
    const std::string name(type.name);
    const std::vector<double> expected = reference.numbers(name);
    const auto bytes = bytes_of_hex(reference.facts().at("blocks").at(name).get<std::string>());
    const auto count = static_cast<std::int64_t>(expected.size());
    ASSERT_EQ(static_cast<std::int64_t>(bytes.size()), bytes_of(*dtype, count)) << name;
    std::vector<float> values(expected.size());
    type.unpack(bytes.data(), values.data(), count);
    for (std::size_t i = 0; i < values.size(); ++i) ASSERT_EQ(values[i], expected[i]) << name << i;
  }
  EXPECT_EQ(formats, 14);
}

TEST(DType, ScalesOfFourBitFloatsAtTheirEnds) {
  EXPECT_EQ(quant::half_of_e8m0(0), 0x1p-128F);
  EXPECT_EQ(quant::half_of_e8m0(1), 0x1p-127F);
  EXPECT_EQ(quant::half_of_e8m0(2), 0x1p-126F);
  EXPECT_EQ(quant::half_of_e8m0(254), 0x1p126F);
  EXPECT_EQ(quant::half_of_ue4m3(0), 0.0F);
  EXPECT_EQ(quant::half_of_ue4m3(1), 0x1p-10F);
  EXPECT_EQ(quant::half_of_ue4m3(8), 0x1p-7F);
  EXPECT_EQ(quant::half_of_ue4m3(0x7e), 224.0F);
  EXPECT_EQ(quant::half_of_ue4m3(0x7f), 0.0F);
}

TEST(DType, Q8BlockDecodesAsItsLayoutSays) {
  std::vector<std::byte> block(34);
  const std::uint16_t half = 0x3800;  // 0.5
  std::memcpy(block.data(), &half, 2);
  for (std::size_t i = 0; i < 32; ++i) block[2 + i] = std::byte(i < 31 ? i : 0x80);
  std::vector<float> values(32);
  info(DType::q8_0).unpack(block.data(), values.data(), 32);
  EXPECT_EQ(values[0], 0.0F);
  EXPECT_EQ(values[30], 15.0F);
  EXPECT_EQ(values[31], -64.0F);
}

TEST(DType, Q4BlockDecodesAsItsLayoutSays) {
  std::vector<std::byte> block(20);
  const std::uint16_t head[2] = {0x4000, 0xbc00};  // d = 2, m = -1
  std::memcpy(block.data(), head, 4);
  for (std::size_t i = 0; i < 16; ++i) block[4 + i] = std::byte(i | ((15 - i) << 4));
  std::vector<float> values(32);
  info(DType::q4_1).unpack(block.data(), values.data(), 32);
  for (std::size_t i = 0; i < 16; ++i) {
    EXPECT_EQ(values[i], 2.0F * static_cast<float>(i) - 1.0F);
    EXPECT_EQ(values[16 + i], 2.0F * static_cast<float>(15 - i) - 1.0F);
  }
}

TEST(DType, QuantisersKeepBlocksThatHaveNoSpread) {
  for (const DType dtype : {DType::q8_0, DType::q4_0, DType::q4_1, DType::q5_0, DType::q5_1}) {
    for (const float constant : {0.0F, 0.25F, -2.0F}) {
      std::vector<float> values(32, constant);
      std::vector<std::byte> block(static_cast<std::size_t>(info(dtype).bytes));
      info(dtype).pack(values.data(), nullptr, block.data(), 32);
      info(dtype).unpack(block.data(), values.data(), 32);
      // Q8_0 rounds its scale to 11 bits.
      for (const float value : values) EXPECT_NEAR(value, constant, std::fabs(constant) * 0x1p-11);
    }
  }
}

TEST(DType, QuantisersSurviveWhatIsNotANumber) {
  for (const Published& format : kPublished) {
    const DTypeInfo& type = info(format.dtype);
    for (const float bad :
         {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN(), 1e-45F,
          std::numeric_limits<float>::max()}) {
      std::vector<float> values(kLargestBlock, 0.5F);
      values[7] = bad;
      values[8] = -bad;
      const std::vector<float> importance(kLargestBlock, 1.0F);
      std::vector<std::byte> blocks(static_cast<std::size_t>(bytes_of(type.dtype, kLargestBlock)));
      for (const float* weights : {static_cast<const float*>(nullptr), importance.data()}) {
        type.pack(values.data(), weights, blocks.data(), kLargestBlock);
        std::vector<float> back(values.size());
        type.unpack(blocks.data(), back.data(), kLargestBlock);
      }
    }
  }
}

TEST(DType, HalfPrecisionIsExactBothWays) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float value = quant::f16_to_f32(half);
    const std::uint32_t exponent = (bits >> 10) & 31;
    const std::uint32_t fraction = bits & 1023;
    if (exponent == 31 && fraction != 0) {
      EXPECT_TRUE(std::isnan(value));
      EXPECT_TRUE(std::isnan(quant::f16_to_f32(quant::f32_to_f16(value))));
      continue;
    }
    double expected = exponent == 0 ? std::ldexp(fraction, -24)
                                    : std::ldexp(1024 + fraction, static_cast<int>(exponent) - 25);
    if (exponent == 31) expected = std::numeric_limits<double>::infinity();
    ASSERT_EQ(value, static_cast<float>(bits & 0x8000 ? -expected : expected)) << bits;
    ASSERT_EQ(quant::f32_to_f16(value), half) << bits;
  }
}

TEST(DType, HalfPrecisionRoundsToNearestEven) {
  for (std::uint16_t half = 0; half < 0x7bff; ++half) {
    const auto next = static_cast<std::uint16_t>(half + 1);
    const float low = quant::f16_to_f32(half);
    const float high = quant::f16_to_f32(next);
    const float middle = (low + high) / 2;  // exact in f32
    ASSERT_EQ(quant::f32_to_f16(middle), half % 2 == 0 ? half : next) << half;
    ASSERT_EQ(quant::f32_to_f16(std::nextafter(middle, low)), half) << half;
    ASSERT_EQ(quant::f32_to_f16(std::nextafter(middle, high)), next) << half;
  }
  EXPECT_EQ(quant::f32_to_f16(65519.0F), 0x7bff);
  EXPECT_EQ(quant::f32_to_f16(65520.0F), 0x7c00);
  EXPECT_EQ(quant::f32_to_f16(1e30F), 0x7c00);
  EXPECT_EQ(quant::f32_to_f16(-1e-30F), 0x8000);
}

TEST(DType, Bfloat16RoundsToNearestEvenAndKeepsNan) {
  EXPECT_EQ(quant::f32_to_bf16(1.0F), 0x3f80);
  EXPECT_EQ(quant::f32_to_bf16(std::bit_cast<float>(0x3f808000U)), 0x3f80);
  EXPECT_EQ(quant::f32_to_bf16(std::bit_cast<float>(0x3f818000U)), 0x3f82);
  EXPECT_EQ(quant::f32_to_bf16(std::bit_cast<float>(0x3f808001U)), 0x3f81);
  EXPECT_EQ(quant::f32_to_bf16(std::bit_cast<float>(0x7f800001U)), 0x7fc0);
  EXPECT_EQ(quant::f32_to_bf16(std::numeric_limits<float>::max()), 0x7f80);
  EXPECT_EQ(quant::bf16_to_f32(0x4049), 3.140625F);
}

TEST(DType, NumbersOfGguf) {
  EXPECT_EQ(dtype_from_gguf(3), DType::q4_1);
  EXPECT_EQ(dtype_from_gguf(8), DType::q8_0);
  EXPECT_EQ(dtype_from_gguf(30), DType::bf16);
  EXPECT_EQ(dtype_from_gguf(-1), std::nullopt);
  EXPECT_EQ(dtype_from_gguf(99), std::nullopt);
  EXPECT_EQ(bytes_of(DType::q4_1, 64), 40);
  EXPECT_TRUE(is_block_format(DType::q8_0));
  EXPECT_FALSE(is_block_format(DType::bf16));
}

}  // namespace
}  // namespace pomona
