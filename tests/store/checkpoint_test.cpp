// Checkpoints that the reference libraries wrote, against what those libraries read from them.
#include "store/checkpoint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/json.h"
#include "store/safetensors.h"
#include "tests/store/shard_index_exercise.h"
#include "tests/support/corpus.h"
#include "tests/support/golden.h"
#include "tests/support/refused.h"
#include "tests/support/temp_folder.h"

namespace pomona::store {
namespace {

using test::refused;

fs::path golden_file(const std::string& name) { return golden::path_of("checkpoint/" + name); }

/// Equal bit for bit; any NaN equals any other.
void expect_values(const Tensor& found, const Json& bits) {
  ASSERT_EQ(found.elements(), static_cast<std::int64_t>(bits.size()));
  for (std::size_t i = 0; i < bits.size(); ++i) {
    const float wanted = std::bit_cast<float>(bits[i].get<std::int32_t>());
    const float value = found.data<float>()[i];
    if (std::isnan(wanted) && std::isnan(value)) continue;
    EXPECT_EQ(std::bit_cast<std::uint32_t>(value), std::bit_cast<std::uint32_t>(wanted)) << i;
  }
}

TEST(Checkpoint, HoldsWhatTheReferenceLibrariesRead) {
  const Json expected = read_json(golden_file("checkpoints.json"));
  ASSERT_EQ(expected["files"].size(), 11u);
  for (const auto& [file, tensors] : expected["files"].items()) {
    SCOPED_TRACE(file);
    const TensorSource source = open_checkpoint(golden_file(file));
    EXPECT_EQ(source.tensors().size(), tensors.size());
    for (const auto& [name, tensor] : tensors.items()) {
      SCOPED_TRACE(name);
      const StoredTensor* found = source.find(name);
      ASSERT_NE(found, nullptr);
      EXPECT_EQ(found->type.name, tensor["type"].get<std::string>());
      EXPECT_EQ(found->shape, tensor["shape"].get<std::vector<std::int64_t>>());
      expect_values(found->decoded(), tensor["bits"]);
    }
  }
}

TEST(Checkpoint, NothingIsCopiedThatLiesDensely) {
  for (const char* file : {"types.safetensors", "types.pt", "views.pt"}) {
    const TensorSource source = open_checkpoint(golden_file(file));
    int mapped = 0;
    for (const StoredTensor& tensor : source.tensors()) {
      if (tensor.is_plain() && !tensor.bytes.empty()) {
        EXPECT_EQ(tensor.storage()->data, tensor.bytes.data()) << tensor.name;
        ++mapped;
      }
    }
    EXPECT_GE(mapped, 5) << file;
  }
  const TensorSource views = open_checkpoint(golden_file("views.pt"));
  EXPECT_EQ(views.at("model.a").bytes.data(), views.at("model.tied").bytes.data());
  EXPECT_FALSE(views.at("model.transposed").is_plain());
}

TEST(Checkpoint, KeepsTheMetadata) {
  TextPairs found = open_safetensors(golden_file("types.safetensors")).metadata;
  std::sort(found.begin(), found.end());  // the reference writer puts them in any order
  EXPECT_EQ(found, (TextPairs{{"format", "pt"}, {"note", "ü"}}));
}

TEST(Checkpoint, SaysWhatItCannotOpen) {
  const std::string other = golden_file("checkpoints.json").string();
  EXPECT_EQ(
      refused([&] { open_checkpoint(other); }),
      "bad_file: open checkpoint: " + other + ": byte 0: neither GGUF, safetensors nor PyTorch");
}

class ShardTest : public ::testing::Test {
 protected:
  ShardTest() {
    for (const char* name :
         {"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"})
      fs::copy_file(golden_file(name), folder_ / name);
    index_ = read_json(golden_file("model.safetensors.index.json"));
  }
  std::string open_error() {
    const fs::path path = folder_ / "model.safetensors.index.json";
    write_file(path, index_.dump());
    const std::string message = refused([&] { open_checkpoint(path); });
    const std::size_t at = message.find(path.string());
    return at == std::string::npos ? message : message.substr(at + path.string().size());
  }

  test::TempFolder folder_;
  Json index_;
};

TEST_F(ShardTest, RefusesWhatDoesNotFitTheIndex) {
  EXPECT_EQ(open_error(), "nothing");
  index_["weight_map"]["layer.0.weight"] = "model-00002-of-00002.safetensors";
  EXPECT_EQ(open_error(),
            ": the tensor \"layer.0.weight\" is not in \"model-00002-of-00002.safetensors\", where "
            "it should be");
  index_["weight_map"]["layer.0.weight"] = "model-00003-of-00002.safetensors";
  EXPECT_EQ(open_error(),
            ": the file \"model-00003-of-00002.safetensors\" that it names is missing");
  for (const char* outside : {"../model.safetensors", "/etc/passwd", "", ".hidden", "a\\b"}) {
    index_["weight_map"]["layer.0.weight"] = outside;
    EXPECT_EQ(open_error(),
              ": the file of tensor \"layer.0.weight\" is not the name of a file beside it");
  }
  index_["weight_map"]["layer.0.weight"] = 7;
  EXPECT_EQ(open_error(),
            ": the file of tensor \"layer.0.weight\" is not the name of a file beside it");
  index_["weight_map"] = Json::object();
  EXPECT_EQ(open_error(), ": no object \"weight_map\" with the file of each tensor");
  index_ = Json::array();
  EXPECT_EQ(open_error(), ": no object \"weight_map\" with the file of each tensor");
}

TEST_F(ShardTest, AnIndexMayNotNameAnIndex) {
  index_["weight_map"]["layer.0.weight"] = "model.safetensors.index.json";
  EXPECT_TRUE(open_error().ends_with("byte 0: neither GGUF, safetensors nor PyTorch"));
}

TEST_F(ShardTest, TheIndexSaysWhichOfTwoIsMeant) {
  fs::copy_file(folder_ / "model-00001-of-00002.safetensors", folder_ / "more.safetensors");
  index_["weight_map"]["layer.0.weight"] = "more.safetensors";
  ASSERT_EQ(open_error(), "nothing");
  const TensorSource source = open_checkpoint(folder_ / "model.safetensors.index.json");
  EXPECT_EQ(source.tensors().size(), 4u);
  EXPECT_EQ(source.at("layer.0.weight").file->path().filename(), "more.safetensors");
  EXPECT_EQ(source.at("layer.1.weight").file->path().filename(),
            "model-00001-of-00002.safetensors");
}

TEST(ShardIndexCorpus, ReplaysWithoutACrash) {
  test::replay_corpus("shard_index", 2,
                      [](const fs::path& path) { return exercise_shard_index(read_file(path)); });
}

}  // namespace
}  // namespace pomona::store
