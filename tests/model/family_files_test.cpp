// The same family in the ways that its checkpoints are written: names and values that only some
// files have, and numbers that others leave out.
#include <gtest/gtest.h>

#include <cmath>

#include "base/file.h"
#include "model/gemma.h"
#include "model/model.h"
#include "model/registry.h"
#include "store/hub_folder.h"
#include "tests/support/engine.h"
#include "tests/support/golden.h"
#include "tests/support/lm_checks.h"
#include "tests/support/refused.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tiny_file.h"

namespace pomona::model {
namespace {

using golden::Golden;
using Windows = std::vector<std::int64_t>;

constexpr double kBound = 1e-5;  // as families_test

/// The tiny model of a family with `changes` merged into its config.json (null removes).
Checkpoint changed(const std::string& family, const Json& changes) {
  const store::HubFolder folder(golden::path_of("families/" + family));
  Json config = folder.config();
  config.merge_patch(changes);
  return {Config(std::move(config), "config.json"), folder.weights()};
}

/// The largest error of the logits of row 0 against an array of the family's golden.
double error_of_logits(const std::string& family, const Checkpoint& checkpoint,
                       std::string_view array = "row.0.logits") {
  const Golden golden("families/" + family);
  test::Engine engine;
  engine.context.compute = Compute::f32;
  nn::Batch batch;
  batch.append(golden.integers("tokens.0"), 0, nullptr, nn::Batch::Logits::all);
  const std::string architecture = checkpoint.config.text("model_type", "");
  const auto lm = find_architecture(architecture, "folder").load(checkpoint);
  return test::relative_error(lm->forward(batch, engine.context), golden.numbers(array));
}

TEST(FamilyFiles, VariantsEqualPyTorch) {
  for (const std::string family : {"gpt2", "gpt_neox", "phi3"}) {
    Checkpoint checkpoint = changed(family, Golden("families/" + family).facts().at("variant"));
    checkpoint.context = 27;  // of the text; Phi-3's was trained for 16 here
    EXPECT_LT(error_of_logits(family, checkpoint, "variant.logits"), kBound) << family;
  }
}

TEST(FamilyFiles, AHeadOfItsOwnCountsThoughTheNumbersTieIt) {
  EXPECT_LT(error_of_logits("llama", changed("llama", {{"tie_word_embeddings", true}})), kBound);
  Checkpoint twice = changed("qwen2", Json::object());
  std::vector<store::StoredTensor> tensors = twice.tensors.tensors();
  tensors.push_back(twice.tensors.at("model.embed_tokens.weight"));
  tensors.back().name = "lm_head.weight";
  twice.tensors = {"folder", tensors};
  EXPECT_LT(error_of_logits("qwen2", twice), kBound);
}

TEST(FamilyFiles, OnlySomeFamiliesTurnHeadsInPart) {
  for (const std::string family : {"llama", "qwen2"})
    EXPECT_LT(error_of_logits(family, changed(family, {{"partial_rotary_factor", 0.5}})), kBound)
        << family;
}

TEST(FamilyFiles, LongRopeIsStretchedForTheContextThatIsAskedFor) {
  const test::TempFolder folder;
  const std::filesystem::path from = golden::path_of("families/phi3");
  std::filesystem::copy(from, folder.path(), std::filesystem::copy_options::recursive);
  Json config = store::HubFolder(from).config();
  config.merge_patch(Golden("families/phi3").facts().at("variant"));
  write_file(folder / "config.json", config.dump());
  const ModelCard card = describe_model(folder.path());
  EXPECT_EQ(card.context, 16u);
  EXPECT_EQ(card.longest_context, 512u);
  EXPECT_EQ(load_model(folder.path(), 100).lm->shape().context, 100);
  EXPECT_EQ(test::refused([&] { load_model(folder.path(), 513); }),
            "bad_argument: " + folder.path().string() +
                ": the model has a context of 512 tokens, not 513");
}

TEST(FamilyFiles, NewerNamesOfNumbersSayTheSame) {
  EXPECT_LT(error_of_logits("gpt_neox", changed("gpt_neox", Json::parse(R"({
      "rotary_pct": null, "rotary_emb_base": null, "rope_parameters": {"rope_theta": 10000,
      "rope_type": "default", "partial_rotary_factor": 0.5}})"))),
            kBound);
  EXPECT_LT(error_of_logits("gemma2", changed("gemma2", Json::parse(R"({"layer_types": null})"))),
            kBound);
  EXPECT_LT(error_of_logits("gemma3", changed("gemma3", Json::parse(R"({"rope_theta": null,
      "rope_local_base_freq": null, "rope_scaling": null, "sliding_window_pattern": null,
      "rope_parameters": {
        "full_attention": {"rope_theta": 1e6, "rope_type": "linear", "factor": 8},
        "sliding_attention": {"rope_theta": 1e4, "rope_type": "default"}},
      "layer_types": ["sliding_attention", "sliding_attention", "sliding_attention",
        "sliding_attention", "sliding_attention", "full_attention"]})"))),
            kBound);
}

TEST(FamilyFiles, TheFirstGpt2HasShorterNamesAndMasks) {
  const Checkpoint today = changed("gpt2", Json::object());
  std::vector<store::StoredTensor> tensors = today.tensors.tensors();
  for (store::StoredTensor& tensor : tensors)
    tensor.name = tensor.name.substr(std::string_view("transformer.").size());
  for (const char* mask : {"h.0.attn.bias", "h.1.attn.masked_bias"}) {
    tensors.push_back(tensors.front());
    tensors.back().name = mask;
  }
  EXPECT_LT(error_of_logits("gpt2", {today.config, {"folder", tensors}}), kBound);
}

TEST(FamilyFiles, OfGemma3ThatSeesTheTextIsRead) {
  const Checkpoint plain = changed("gemma3", Json::object());
  const store::HubFolder folder(golden::path_of("families/gemma3"));
  const Json config = {{"model_type", "gemma3"}, {"text_config", folder.config()}};
  for (const std::string prefix : {"language_model.model.", "model.language_model."}) {
    std::vector<store::StoredTensor> tensors = plain.tensors.tensors();
    for (store::StoredTensor& tensor : tensors)
      tensor.name = prefix + tensor.name.substr(std::string_view("model.").size());
    tensors.push_back(tensors.front());
    tensors.back().name = "vision_tower.vision_model.embeddings.patch_embedding.weight";
    EXPECT_LT(error_of_logits("gemma3", {Config(config, "config.json"), {"folder", tensors}}),
              kBound)
        << prefix;
  }
}

TEST(FamilyFiles, TheScaleOfGemmasEmbeddingHasItsType) {
  Checkpoint checkpoint = changed("gemma2", Json::object());
  EXPECT_EQ(GemmaConfig::from(checkpoint, 2, 46).embedding_scale, std::sqrt(32.0f));
  std::vector<store::StoredTensor> tensors = checkpoint.tensors.tensors();
  for (store::StoredTensor& tensor : tensors) tensor.type = store::element_type(DType::bf16);
  checkpoint.tensors = {"folder", tensors};
  EXPECT_EQ(GemmaConfig::from(checkpoint, 2, 46).embedding_scale, 5.65625) << "8 bits of 5.65685";
}

TEST(FamilyFiles, GemmaInGgufWithoutWindowsAndScale) {
  const test::TempFolder folder;
  const auto config = [&](std::uint32_t layers) {
    test::TinyFile file;
    file.set("general.architecture", std::string_view("gemma2"));
    file.set("gemma2.context_length", std::uint32_t{8192});
    file.set("gemma2.embedding_length", std::uint32_t{32});
    file.set("gemma2.feed_forward_length", std::uint32_t{32});
    file.set("gemma2.block_count", layers);
    file.set("gemma2.attention.head_count", std::uint32_t{2});
    file.set("gemma2.attention.key_length", std::uint32_t{64});
    file.set("gemma2.attention.value_length", std::uint32_t{64});
    file.set("gemma2.attention.layer_norm_rms_epsilon", 1e-6f);
    file.set("gemma2.attention.sliding_window", std::uint32_t{4096});
    for (std::uint32_t i = 0; i < layers; ++i) file.tensor("layer." + std::to_string(i), {1});
    file.write(folder / "m.gguf");
    return GemmaConfig::from(Checkpoint(store::GgufFile(folder / "m.gguf")), 2, 46);
  };
  EXPECT_EQ(config(3).windows, (Windows{4096, 0, 4096}));
  EXPECT_EQ(config(3).query_scale, 1 / std::sqrt(64.0)) << "the size of the heads";
  EXPECT_EQ(config(46).query_scale, 1 / std::sqrt(16.0)) << "27B: the width for each head";
}

}  // namespace
}  // namespace pomona::model
