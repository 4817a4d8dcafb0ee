#include "store/tensor_source.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "quant/f8.h"
#include "tests/support/refused.h"

namespace pomona::store {
namespace {

using test::refused;

template <class T>
StoredTensor stored(std::string_view type, const std::vector<T>& values,
                    std::vector<std::int64_t> shape) {
  StoredTensor tensor;
  tensor.name = "t";
  tensor.type = *element_type(type);
  tensor.shape = std::move(shape);
  tensor.bytes = std::as_bytes(std::span(values));
  return tensor;
}

std::vector<float> floats(const Tensor& tensor) {
  return {tensor.data<float>(), tensor.data<float>() + tensor.elements()};
}

TEST(ElementType, KnowsNamesAndNumbers) {
  EXPECT_EQ(element_type("BF16")->dtype, DType::bf16);
  EXPECT_EQ(element_type("I64")->bytes, 8);
  EXPECT_EQ(element_type("I65"), std::nullopt);
  EXPECT_EQ(element_type_from_gguf(8).dtype, DType::q8_0);
  EXPECT_EQ(element_type_from_gguf(16).name, "IQ2_XXS");
  EXPECT_EQ(element_type_from_gguf(16).bytes, 66);
  EXPECT_FALSE(element_type_from_gguf(199).is_known());
  EXPECT_FALSE(element_type_from_gguf(~0u).is_known());
  EXPECT_EQ(gguf_type_of(element_type(DType::f64)), 28u);
  EXPECT_EQ(gguf_type_of(*element_type("I64")), 27u);
  EXPECT_EQ(gguf_type_of(*element_type("BOOL")), std::nullopt);
  EXPECT_TRUE(is_safetensors_type(*element_type("BOOL")));
  EXPECT_TRUE(is_safetensors_type(element_type(DType::f32)));
  EXPECT_FALSE(is_safetensors_type(element_type(DType::q4_1)));
  EXPECT_FALSE(is_safetensors_type(element_type_from_gguf(16)));
}

TEST(StoredTensor, DecodesEveryPlainType) {
  const std::vector<float> expected = {-3, 0, 100};
  const auto decoded = [](const auto& tensor) { return floats(tensor.decoded()); };
  EXPECT_EQ(decoded(stored<std::int8_t>("I8", {-3, 0, 100}, {3})), expected);
  EXPECT_EQ(decoded(stored<std::int16_t>("I16", {-3, 0, 100}, {3})), expected);
  EXPECT_EQ(decoded(stored<std::int32_t>("I32", {-3, 0, 100}, {3})), expected);
  EXPECT_EQ(decoded(stored<std::int64_t>("I64", {-3, 0, 100}, {3})), expected);
  EXPECT_EQ(decoded(stored<double>("F64", {-3, 0, 100}, {3})), expected);
  EXPECT_EQ(decoded(stored<std::uint8_t>("U8", {255, 1}, {2})), (std::vector<float>{255, 1}));
  EXPECT_EQ(decoded(stored<std::uint16_t>("U16", {65535}, {1})), (std::vector<float>{65535}));
  EXPECT_EQ(decoded(stored<std::uint32_t>("U32", {1u << 31}, {1})), (std::vector<float>{0x1p31f}));
  EXPECT_EQ(decoded(stored<std::uint64_t>("U64", {1ull << 63}, {1})),
            (std::vector<float>{0x1p63f}));
  EXPECT_EQ(decoded(stored<std::uint8_t>("BOOL", {0, 1, 7}, {3})), (std::vector<float>{0, 1, 1}));
  // 0x38 is 1, 0xC0 -2, 0x7E 448 (the largest), 0x01 2^-9 (the smallest) in E4M3.
  EXPECT_EQ(decoded(stored<std::uint8_t>("F8_E4M3", {0x38, 0xC0, 0x7E, 0x01}, {4})),
            (std::vector<float>{1, -2, 448, 0x1p-9f}));
  // 0x3C is 1, 0x7B 57344 (the largest), 0x01 2^-16 (the smallest), 0xFC -infinity in E5M2.
  EXPECT_EQ(decoded(stored<std::uint8_t>("F8_E5M2", {0x3C, 0x7B, 0x01, 0xFC}, {4})),
            (std::vector<float>{1, 57344, 0x1p-16f, -INFINITY}));
  EXPECT_TRUE(std::isnan(quant::f8_e4m3_to_f32(0x7F)));
  EXPECT_TRUE(std::isnan(quant::f8_e4m3_to_f32(0xFF)));
  EXPECT_TRUE(std::isnan(quant::f8_e5m2_to_f32(0x7D)));
}

TEST(StoredTensor, GathersStridedAndSwappedValues) {
  const std::vector<float> values = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  StoredTensor transposed = stored("F32", values, {3, 4});
  transposed.strides = {1, 3};
  EXPECT_EQ(floats(transposed.tensor()),
            (std::vector<float>{0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11}));
  StoredTensor permuted = stored("F32", values, {2, 3, 2});
  permuted.strides = {1, 2, 6};
  EXPECT_EQ(floats(permuted.tensor()), (std::vector<float>{0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11}));
  StoredTensor scalar = stored("F32", values, {});
  EXPECT_EQ(floats(scalar.tensor()), (std::vector<float>{0}));

  const std::vector<std::uint8_t> big = {0x3F, 0x80, 0, 0, 0x40, 0, 0, 0};
  StoredTensor swapped = stored("F32", big, {2});
  swapped.swapped = true;
  EXPECT_EQ(floats(swapped.tensor()), (std::vector<float>{1, 2}));
}

TEST(StoredTensor, MisalignedBytesAreCopied) {
  std::vector<std::byte> raw(9);
  const float value = 2.5f;
  std::memcpy(raw.data() + 1, &value, sizeof value);
  StoredTensor tensor = stored("F32", std::vector<float>{}, {1});
  tensor.bytes = std::span(raw).subspan(1, 4);
  EXPECT_EQ(floats(tensor.tensor()), (std::vector<float>{2.5f}));
}

TEST(StoredTensor, SaysWhatItCannotDo) {
  const std::vector<std::uint8_t> bytes(64);
  EXPECT_EQ(refused([&] { stored("I64", bytes, {8}).tensor(); }),
            "unsupported: tensor \"t\" holds I64, which is not computed with");
  EXPECT_EQ(refused([&] { stored("C64", bytes, {8}).decoded(); }),
            "unsupported: tensor \"t\" holds C64, which is not decoded");
  EXPECT_EQ(refused([&] { stored("F32", bytes, {1, 1, 1, 1, 16}).tensor(); }),
            "unsupported: tensor \"t\" has 5 dimensions, more than 4");
  EXPECT_EQ(stored("F32", bytes, {1, 1, 1, 1, 16}).decoded().shape(), (Shape{16}));
  StoredTensor unknown = stored("F32", bytes, {16});
  unknown.type = {};
  EXPECT_EQ(refused([&] { unknown.storage(); }),
            "unsupported: tensor \"t\" has an element type that is not known");
}

TEST(TensorSource, FindsByNameAndSuggests) {
  const std::vector<float> values = {1};
  StoredTensor a = stored("F32", values, {1}), b = a;
  a.name = "model.norm.weight";
  b.name = "model.norm.bias";
  const TensorSource source("x", {a, b});
  EXPECT_EQ(source.at("model.norm.bias").name, "model.norm.bias");
  EXPECT_EQ(source.find("norm"), nullptr);
  EXPECT_EQ(refused([&] { source.at("model.norm.weigth"); }),
            "bad_file: x: no tensor \"model.norm.weigth\" among its 2; there is "
            "\"model.norm.weight\"");
  EXPECT_EQ(refused([&] { TensorSource("x", {a, a}); }),
            "bad_file: x: the tensor \"model.norm.weight\" occurs twice");
}

}  // namespace
}  // namespace pomona::store
