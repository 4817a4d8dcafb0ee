// The same family in the ways that its checkpoints are written: names and values that only some
// files have, and numbers that others leave out.
#include <gtest/gtest.h>

#include "model/registry.h"
#include "store/hub_folder.h"
#include "tests/support/engine.h"
#include "tests/support/golden.h"
#include "tests/support/lm_checks.h"

namespace pomona::model {
namespace {

using golden::Golden;

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
  for (const std::string family : {"gpt2", "gpt_neox"}) {
    const Checkpoint checkpoint =
        changed(family, Golden("families/" + family).facts().at("variant"));
    EXPECT_LT(error_of_logits(family, checkpoint, "variant.logits"), kBound) << family;
  }
}

TEST(FamilyFiles, NewerNamesOfNumbersSayTheSame) {
  EXPECT_LT(error_of_logits("gpt_neox", changed("gpt_neox", Json::parse(R"({
      "rotary_pct": null, "rotary_emb_base": null, "rope_parameters": {"rope_theta": 10000,
      "rope_type": "default", "partial_rotary_factor": 0.5}})"))),
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

}  // namespace
}  // namespace pomona::model
