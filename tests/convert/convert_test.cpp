// Conversion of every family's tiny random model, against the folder that transformers wrote and
// the GGUF file that llama.cpp's converter made of it.
#include "convert/convert.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/file.h"
#include "model/model.h"
#include "store/gguf.h"
#include "store/gguf_output.h"
#include "store/hub_folder.h"
#include "store/safetensors_writer.h"
#include "tests/support/engine.h"
#include "tests/support/golden.h"
#include "tests/support/refused.h"
#include "tests/support/temp_folder.h"

namespace pomona::convert {
namespace {

namespace fs = std::filesystem;

fs::path folder_of(const std::string& family) { return golden::path_of("families/" + family); }
fs::path file_of(const std::string& family) {
  return golden::path_of("families/" + family + ".gguf");
}

ConvertResult convert(const fs::path& from, const fs::path& to,
                      const ConvertOptions& options = {}) {
  return convert(from, to, options, no_progress(), StopToken());
}

std::vector<std::byte> values_of(const store::StoredTensor& tensor) {
  const StorageRef values = tensor.storage();
  return {values->data, values->data + values->size};
}

/// Logits in f32 of a few tokens of the model at `path`.
std::vector<float> logits_of(const fs::path& path) {
  const model::Model model = model::load_model(path);
  test::Engine engine;
  engine.context.compute = Compute::f32;
  nn::Batch batch;
  batch.append(std::vector<std::int32_t>{5, 17, 99, 3, 41, 64, 8, 23, 77}, 0, nullptr,
               nn::Batch::Logits::all);
  const Tensor logits = model.lm->forward(batch, engine.context);
  return {logits.data<float>(), logits.data<float>() + logits.elements()};
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  double difference = 0, scale = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    difference = std::max(difference, std::abs(static_cast<double>(a[i]) - b[i]));
    scale = std::max(scale, std::abs(static_cast<double>(b[i])));
  }
  return difference / scale;
}

class Convert : public testing::TestWithParam<const char*> {
 protected:
  test::TempFolder temp;
};

TEST_P(Convert, MakesTheTensorsAndKeysOfLlamaCppsConverter) {
  const fs::path made = temp / "made.gguf";
  const ConvertResult result = convert(folder_of(GetParam()), made);
  EXPECT_EQ(result.unused, std::vector<std::string>());
  EXPECT_EQ(result.tokens.different, 0) << result.tokens.example;

  const store::GgufFile expected(file_of(GetParam())), found(made);
  EXPECT_EQ(found.tensors().size(), expected.tensors().size());
  const store::TensorSource tensors = store::tensors_of(found);
  const store::TensorSource golden_tensors = store::tensors_of(expected);
  for (const store::StoredTensor& tensor : golden_tensors.tensors()) {
    const store::StoredTensor& same = tensors.at(tensor.name);
    EXPECT_EQ(same.shape, tensor.shape) << tensor.name;
    EXPECT_EQ(same.type.name, tensor.type.name) << tensor.name;
    EXPECT_EQ(values_of(same), values_of(tensor)) << tensor.name;
  }
  // Its title for the model, and what follows from other keys.
  const std::set<std::string_view> differ = {"general.name", "general.size_label",
                                             "phi3.rope.scaling.original_context_length"};
  for (const auto& [key, value] : expected.metadata().entries()) {
    if (differ.contains(key)) continue;
    const store::GgufValue* const same = found.metadata().find(key);
    ASSERT_NE(same, nullptr) << key;
    EXPECT_EQ(store::describe_type(*same), store::describe_type(value)) << key;
    if (const auto* array = std::get_if<store::GgufArray>(&value)) {
      const auto& made_array = std::get<store::GgufArray>(*same);
      EXPECT_EQ(made_array.strings, array->strings) << key;
      EXPECT_TRUE(std::equal(made_array.packed.begin(), made_array.packed.end(),
                             array->packed.begin(), array->packed.end()))
          << key;
    } else {
      EXPECT_TRUE(std::visit(
          [&](const auto& plain) {
            using T = std::remove_cvref_t<decltype(plain)>;
            if constexpr (std::is_same_v<T, store::GgufArray>)
              return false;
            else
              return std::get<T>(*same) == plain;
          },
          value))
          << key;
    }
  }
}

TEST_P(Convert, MakesAFolderThatSaysAndAnswersTheSame) {
  const fs::path made = temp / "made";
  const ConvertResult result = convert(file_of(GetParam()), made);
  EXPECT_EQ(result.unused, std::vector<std::string>());
  EXPECT_EQ(result.tokens.different, 0) << result.tokens.example;
  // The norms of Gemma go from 1 + w to w, and the factors of Llama's rotation from f32 to the
  // numbers that they came from: both may round once.
  const std::string_view family = GetParam();
  const bool exact = !family.starts_with("gemma") && family != "llama";
  EXPECT_LE(largest_difference(logits_of(made), logits_of(file_of(GetParam()))), exact ? 0 : 1e-6);

  const Json expected = store::HubFolder(folder_of(GetParam())).config();
  const Json config = store::HubFolder(made).config();
  for (const auto& [key, value] : config.items()) {
    // Readers of GGUF end at <|endoftext|> too, so the folder says it.
    if (!expected.contains(key) || key == "eos_token_id") continue;
    if (value.is_number_float()) {
      EXPECT_DOUBLE_EQ(expected.at(key).get<double>(), value.get<double>()) << key;
    } else {
      EXPECT_EQ(nlohmann::json(expected.at(key)), nlohmann::json(value)) << key;
    }
  }
}

TEST_P(Convert, ThereAndBackLosesNoBit) {
  convert(file_of(GetParam()), temp / "folder");
  convert(temp / "folder", temp / "again.gguf");
  const store::GgufFile before(file_of(GetParam())), after(temp / "again.gguf");
  const store::TensorSource tensors = store::tensors_of(after), old = store::tensors_of(before);
  for (const store::StoredTensor& tensor : old.tensors())
    EXPECT_EQ(values_of(tensors.at(tensor.name)), values_of(tensor)) << tensor.name;
}

INSTANTIATE_TEST_SUITE_P(Families, Convert,
                         testing::Values("gemma2", "gemma3", "gpt2", "gpt_neox", "llama", "mistral",
                                         "phi3", "qwen2", "qwen3"),
                         [](const auto& family) { return std::string(family.param); });

}  // namespace
}  // namespace pomona::convert
