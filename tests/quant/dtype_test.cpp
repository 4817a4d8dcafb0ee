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

TEST(DType, QuantisersWriteThePublishedBytes) {
  const std::vector<float> x = published_input();
  ASSERT_EQ(hash_of(x.data(), x.size() * sizeof(float)), "64d4ee8217e4cf81");
  const struct {
    DType dtype;
    const char* hash;
    double rmse;
  } published[] = {{DType::bf16, "4c613df341ebadad", 1.432179e-4},
                   {DType::f16, "897e615c093ca3d6", 1.794473e-5},
                   {DType::q8_0, "1cd01238fb7d12b9", 4.901556e-4},
                   {DType::q4_1, "555af10c5f12f04a", 7.979151e-3}};
  for (const auto& expected : published) {
    const auto count = static_cast<std::int64_t>(x.size());
    std::vector<std::byte> packed(static_cast<std::size_t>(bytes_of(expected.dtype, count)));
    info(expected.dtype).pack(x.data(), packed.data(), count);
    EXPECT_EQ(hash_of(packed.data(), packed.size()), expected.hash) << info(expected.dtype).name;
    std::vector<float> back(x.size());
    info(expected.dtype).unpack(packed.data(), back.data(), count);
    double squares = 0;
    for (std::size_t i = 0; i < x.size(); ++i)
      squares += std::pow(static_cast<double>(back[i]) - x[i], 2);
    // Seven digits are published.
    EXPECT_NEAR(std::sqrt(squares / static_cast<double>(count)), expected.rmse,
                1e-6 * expected.rmse)
        << info(expected.dtype).name;
  }
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
  for (const DType dtype : {DType::q8_0, DType::q4_1}) {
    for (const float constant : {0.0F, 0.25F, -2.0F}) {
      std::vector<float> values(32, constant);
      std::vector<std::byte> block(static_cast<std::size_t>(info(dtype).bytes));
      info(dtype).pack(values.data(), block.data(), 32);
      info(dtype).unpack(block.data(), values.data(), 32);
      // Q8_0 rounds its scale to 11 bits.
      for (const float value : values) EXPECT_NEAR(value, constant, std::fabs(constant) * 0x1p-11);
    }
  }
}

TEST(DType, QuantisersSurviveWhatIsNotANumber) {
  for (const DType dtype : {DType::q8_0, DType::q4_1}) {
    for (const float bad :
         {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN(), 1e-45F,
          std::numeric_limits<float>::max()}) {
      std::vector<float> values(32, 0.5F);
      values[7] = bad;
      values[8] = -bad;
      std::vector<std::byte> block(static_cast<std::size_t>(info(dtype).bytes));
      info(dtype).pack(values.data(), block.data(), 32);
      info(dtype).unpack(block.data(), values.data(), 32);
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
