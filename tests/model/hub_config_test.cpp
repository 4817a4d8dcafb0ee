// config.json of the families: what its values mean, and that nothing which it asks for is passed
// over in silence.
#include <gtest/gtest.h>

#include "model/llama_config.h"
#include "model/registry.h"
#include "model/rope_config.h"
#include "store/hub_folder.h"
#include "tests/model/hub_config_exercise.h"
#include "tests/support/corpus.h"
#include "tests/support/engine.h"
#include "tests/support/golden.h"
#include "tests/support/lm_checks.h"
#include "tests/support/refused.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tiny_file.h"

namespace pomona::model {
namespace {

using Windows = std::vector<std::int64_t>;

/// The tiny model of a family with `changes` merged into its config.json (null removes).
Checkpoint changed(const std::string& family, const Json& changes) {
  const store::HubFolder folder(golden::path_of("families/" + family));
  Json config = folder.config();
  config.merge_patch(changes);
  return Checkpoint(Config(std::move(config), "config.json"), folder.weights());
}

std::unique_ptr<CausalLm> load(const Checkpoint& checkpoint) {
  return find_architecture(checkpoint.config.text("model_type", ""), "folder").load(checkpoint);
}

struct Fault {
  std::string_view name, family;
  std::string_view changes;  // JSON
  std::string_view error;
};
void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }

class HubConfigFault : public ::testing::TestWithParam<Fault> {};

TEST_P(HubConfigFault, IsToldInASentence) {
  const Checkpoint checkpoint =
      changed(std::string(GetParam().family), Json::parse(GetParam().changes));
  std::string error = test::refused([&] { load(checkpoint); });
  const std::string folder = golden::path_of("families").string();
  for (std::size_t at; (at = error.find(folder)) != std::string::npos;)
    error.erase(at, folder.size() + 1);
  EXPECT_EQ(error, GetParam().error);
}

INSTANTIATE_TEST_SUITE_P(
    All, HubConfigFault,
    ::testing::Values(
        Fault{"activation", "llama", R"({"hidden_act": "gelu"})",
              "unsupported: config.json: hidden_act \"gelu\" is not supported, only silu"},
        Fault{"experts", "qwen3", R"({"num_experts": 8})",
              "unsupported: config.json: a mixture of 8 experts is not supported"},
        Fault{"quantised", "qwen2", R"({"quantization_config": {"bits": 4}})",
              "unsupported: config.json: quantization_config is not supported, only plain weights"},
        Fault{"biases_that_are_missing", "llama", R"({"attention_bias": true})",
              "bad_file: llama/model.safetensors: no tensor "
              "\"model.layers.0.self_attn.q_proj.bias\" among its 21; there is "
              "\"model.layers.0.self_attn.q_proj.weight\""},
        Fault{"norms_without_a_place", "qwen3", R"({"model_type": "mistral"})",
              "unsupported: qwen3/model.safetensors: tensor "
              "\"model.layers.0.self_attn.k_norm.weight\" has no place in this model; leaving it "
              "out would change the answers"},
        Fault{"kind_of_layer", "qwen3", R"({"use_sliding_window": true, "sliding_window": 4,
              "layer_types": ["chunked_attention", "full_attention"]})",
              "unsupported: config.json: layers of \"chunked_attention\" with a sliding_window of "
              "4 are not supported"},
        Fault{"kinds_of_too_few_layers", "mistral", R"({"layer_types": ["full_attention"]})",
              "bad_file: config.json: layer_types has 1 layers, num_hidden_layers is 2"},
        Fault{"window_of_text", "mistral", R"({"sliding_window": "wide"})",
              "bad_file: config.json: sliding_window is \"wide\", expected a whole number"},
        Fault{"rope_type", "llama", R"({"rope_scaling": {"rope_type": "dynamic", "factor": 2}})",
              "unsupported: config.json: rope_scaling: rope: the type \"dynamic\" is not known; "
              "known are default, linear, llama3, yarn, longrope"},
        Fault{"rope_key", "llama", R"({"rope_scaling": {"mrope_section": [1, 2]}})",
              "unsupported: config.json: rope_scaling: \"mrope_section\" is not supported"},
        Fault{"rope_without_factor", "llama", R"({"rope_scaling": {"factor": null}})",
              "bad_file: config.json: rope_scaling: factor is missing, expected a number above 0"},
        Fault{"rope_as_a_list", "llama", R"({"rope_scaling": [1]})",
              "bad_file: config.json: rope_scaling is a list, expected an object"},
        Fault{"activation_of_no_family", "gpt2", R"({"activation_function": "relu"})",
              "unsupported: config.json: activation_function \"relu\" is not supported; known are "
              "silu, swish, gelu, gelu_new, gelu_fast, gelu_pytorch_tanh"},
        Fault{"old_name", "gpt2", R"({"n_embd": "wide"})",
              "bad_file: config.json: n_embd is \"wide\", expected a whole number"},
        Fault{"sees_the_future", "gemma3", R"({"use_bidirectional_attention": true})",
              "unsupported: config.json: use_bidirectional_attention is not supported"},
        Fault{"norms_of_gemma3_in_gemma2", "gemma3", R"({"model_type": "gemma2"})",
              "unsupported: gemma3/model.safetensors: tensor "
              "\"model.layers.0.self_attn.k_norm.weight\" has no place in this model; leaving it "
              "out would change the answers"},
        Fault{"heads_of_no_size", "gpt_neox", R"({"hidden_size": 40})",
              "bad_file: config.json: hidden_size is 40, expected a multiple of "
              "num_attention_heads, which is 3"},
        Fault{"too_few_long_factors", "phi3",
              R"({"rope_parameters": {"rope_type": "longrope", "short_factor": [1, 2]}})",
              "bad_file: config.json: rope: 2 factors for 6 frequencies"}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(HubConfig, EveryVariantChangesTheAnswers) {
  const std::pair<const char*, const char*> changes[] = {
      {"llama", R"({"rope_scaling": null})"},
      {"mistral", R"({"sliding_window": 5})"},
      {"phi3", R"({"sliding_window": null})"},
      {"phi3", R"({"rope_parameters": {"partial_rotary_factor": 1}})"},
      {"qwen3", R"({"rope_parameters": {"rope_type": "default"}})"},
      {"gemma2", R"({"query_pre_attn_scalar": 16})"},
      {"gemma2", R"({"attn_logit_softcapping": null})"},
      {"gemma2", R"({"final_logit_softcapping": null})"},
      {"gemma2", R"({"sliding_window": 4})"},
      {"gemma2", R"({"hidden_activation": "gelu"})"},
      {"gemma3", R"({"rope_local_base_freq": 1000000})"},
      {"gemma3", R"({"rope_scaling": null})"},
      {"gemma3", R"({"sliding_window_pattern": 5})"},
      {"gpt2", R"({"layer_norm_epsilon": 0.01})"},
      {"gpt_neox", R"({"rotary_pct": 0.25})"},
      {"gpt_neox", R"({"rotary_emb_base": 100})"},
      {"gpt_neox", R"({"hidden_act": "gelu_new"})"},
  };
  test::Engine engine;
  engine.context.compute = Compute::f32;
  for (const auto& [family, change] : changes) {
    const golden::Golden golden("families/" + std::string(family));
    nn::Batch batch;
    batch.append(golden.integers("tokens.0"), 0, nullptr, nn::Batch::Logits::all);
    const auto lm = load(changed(family, Json::parse(change)));
    EXPECT_GT(
        test::relative_error(lm->forward(batch, engine.context), golden.numbers("row.0.logits")),
        1e-4)  // ten times the bound of families_test
        << family << change;
  }
}

TEST(HubConfig, WindowsOfTheLayers) {
  const auto windows = [](const std::string& family, const std::string& changes) {
    const Checkpoint checkpoint = changed(family, Json::parse(changes));
    LlamaConfig config = LlamaConfig::from(checkpoint);
    family == "qwen2" ? read_upper_windows(checkpoint.config, config)
                      : read_windows(checkpoint.config, config);
    return config.windows;
  };
  EXPECT_EQ(windows("mistral", "{}"), (Windows{4, 4}));
  EXPECT_EQ(windows("mistral", R"({"sliding_window": null})"), (Windows{0, 0}));
  EXPECT_EQ(windows("mistral", R"({"sliding_window": 512})"), (Windows{0, 0})) << "the context";
  EXPECT_EQ(windows("mistral", R"({"layer_types": ["full_attention", "sliding_attention"]})"),
            (Windows{0, 4}));
  const std::string wide = R"("sliding_window": 9, "max_window_layers": 1, "layer_types": null)";
  EXPECT_EQ(windows("qwen2", R"({"use_sliding_window": false, )" + wide + "}"), (Windows{0, 0}));
  EXPECT_EQ(windows("qwen2", R"({"use_sliding_window": true, )" + wide + "}"), (Windows{0, 9}));
  // transformers' Qwen2Config: 28 layers without a window unless the file says another number
  EXPECT_EQ(windows("qwen2", R"({"use_sliding_window": true, "sliding_window": 9,
                                 "max_window_layers": null, "layer_types": null})"),
            (Windows{0, 0}));
}

TEST(HubConfig, RotationUnderAllItsNames) {
  const auto rope = [](const std::string& changes) {
    return read_rope(changed("mistral", Json::parse(changes)), 16);
  };
  EXPECT_EQ(rope("{}").rope_theta, 5000);
  EXPECT_EQ(rope("{}").rope_type, nn::RopeType::plain);
  EXPECT_EQ(rope(R"({"rope_parameters": {"rope_theta": 7}})").rope_theta, 7);
  EXPECT_EQ(rope(R"({"partial_rotary_factor": 0.5})").rotary_dim, 16) << "Mistral turns all";
  EXPECT_EQ(rope(R"({"model_type": "phi3", "partial_rotary_factor": 0.5})").rotary_dim, 8);

  const nn::RopeConfig linear = rope(R"({"rope_scaling": {"type": "linear", "factor": 4}})");
  EXPECT_EQ(linear.rope_type, nn::RopeType::linear);
  EXPECT_EQ(linear.factor, 4);

  const nn::RopeConfig yarn = rope(R"({"rope_scaling": {"type": "yarn", "factor": 4,
      "beta_fast": 16, "attention_factor": 1.5}})");
  EXPECT_EQ(yarn.rope_type, nn::RopeType::yarn);
  EXPECT_EQ(yarn.original_max_position_embeddings, 512);
  EXPECT_EQ(yarn.beta_fast, 16);
  EXPECT_EQ(yarn.attention_factor, 1.5);
}

TEST(HubConfig, LongRopeTakesItsFactorsByTheContext) {
  Checkpoint checkpoint = changed("phi3", Json::parse(R"({"original_max_position_embeddings": 128,
      "rope_parameters": {"rope_type": "longrope", "original_max_position_embeddings": 128,
      "short_factor": [1, 1, 1, 1, 1, 2], "long_factor": [4, 4, 4, 4, 4, 8]}})"));
  for (const std::int64_t asked : {0, 128}) {
    checkpoint.context = asked;
    const LlamaConfig config = LlamaConfig::from(checkpoint);
    EXPECT_EQ(config.context, 128);
    EXPECT_EQ(config.rope.factor, 4);
    EXPECT_EQ(config.rope.rotary_dim, 12);
    EXPECT_EQ(config.rope.frequency_factors.back(), 2);
  }
  checkpoint.context = 129;
  EXPECT_EQ(LlamaConfig::from(checkpoint).context, 129);
  EXPECT_EQ(LlamaConfig::from(checkpoint).rope.frequency_factors.back(), 8);
  EXPECT_EQ(LlamaConfig::from(checkpoint).rope.factor, 4);
}

TEST(GgufConfig, RotationUnderAllItsNames) {
  const test::TempFolder folder;
  const auto rope = [&](const std::vector<std::pair<std::string_view, store::GgufValue>>& keys) {
    test::TinyFile file;
    for (const auto& [key, value] : keys) file.set(key, value);
    file.write(folder / "m.gguf");
    return read_rope(Checkpoint(store::GgufFile(folder / "m.gguf")), 16);
  };
  const nn::RopeConfig old = rope({{"llama.rope.scale_linear", 4.0f}});
  EXPECT_EQ(old.rope_type, nn::RopeType::linear);
  EXPECT_EQ(old.factor, 4);
  EXPECT_EQ(rope({{"llama.rope.scaling.factor", 2.0f}}).factor, 2);
  EXPECT_EQ(rope({{"llama.rope.scaling.type", std::string_view("none")},
                  {"llama.rope.scaling.factor", 2.0f}})
                .rope_type,
            nn::RopeType::plain);

  const nn::RopeConfig yarn = rope({{"llama.rope.scaling.type", std::string_view("yarn")},
                                    {"llama.rope.scaling.factor", 4.0f},
                                    {"llama.rope.scaling.original_context_length", 16u},
                                    {"llama.rope.scaling.yarn_beta_slow", 2.0f},
                                    {"llama.rope.scaling.yarn_log_multiplier", 0.5f}});
  EXPECT_EQ(yarn.rope_type, nn::RopeType::yarn);
  EXPECT_EQ(yarn.original_max_position_embeddings, 16);
  EXPECT_EQ(yarn.beta_slow, 2);
  EXPECT_EQ(yarn.mscale, 1);
  EXPECT_EQ(yarn.mscale_all_dim, 0.5);

  test::TinyFile file;
  file.set("llama.rope.scaling.attn_factor", 1.25f);
  for (const char* name : {"rope_factors_short.weight", "rope_factors_long.weight"})
    file.tensor(name, {8});
  file.write(folder / "m.gguf");
  Checkpoint checkpoint{store::GgufFile(folder / "m.gguf")};
  const std::string faulty = " has -1, expected numbers above 0",
                    at = "bad_file: " + (folder / "m.gguf").string();
  EXPECT_EQ(test::refused([&] { read_rope(checkpoint, 16); }),
            at + ": rope_factors_short.weight" + faulty);
  checkpoint.context = 65;  // the file's is 64
  EXPECT_EQ(test::refused([&] { read_rope(checkpoint, 16); }),
            at + ": rope_factors_long.weight" + faulty);
}

TEST(HubConfigCorpus, ReplaysWithoutACrash) {
  test::replay_corpus("hub_config", 9, [](const std::filesystem::path& path) {
    return exercise_hub_config(read_file(path));
  });
}

}  // namespace
}  // namespace pomona::model
