// Files of adapters that are damaged, or ask for what Pomona does not do: told in a sentence.
#include <functional>
#include <limits>

#include "model/adapter_gguf.h"
#include "model/adapter_peft.h"
#include "store/gguf_output.h"
#include "store/safetensors_writer.h"
#include "tests/model/adapter_exercise.h"
#include "tests/model/adapter_support.h"
#include "tests/support/corpus.h"

namespace pomona::model {
namespace {

Tensor matrix(std::int64_t rows, std::int64_t columns, float value = 0.5F) {
  const Tensor made = Tensor::zeros({rows, columns});
  std::fill_n(made.data<float>(), made.elements(), value);
  return made;
}

struct Fault {
  std::string_view name;
  std::string_view changes;  // JSON, merged into adapter_config.json; null removes
  std::string_view error;
};
void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }

/// What reading a PEFT folder with a changed config says.
std::string read_changed(const std::string& adapter, std::string_view changes) {
  Json config = read_json(adapter_path(adapter) / "adapter_config.json");
  config.merge_patch(Json::parse(changes));
  const auto tensors = store::open_safetensors(adapter_path(adapter) / "adapter_model.safetensors");
  return refusal([&] { peft_adapter(config, tensors.tensors, "it"); });
}

class LoraConfigFault : public ::testing::TestWithParam<Fault> {};

TEST_P(LoraConfigFault, IsToldInASentence) {
  EXPECT_EQ(read_changed("llama_lora", GetParam().changes), GetParam().error);
}

INSTANTIATE_TEST_SUITE_P(
    All, LoraConfigFault,
    ::testing::Values(
        Fault{"none", "{}", "nothing"},
        Fault{"no_kind", R"({"peft_type": null})",
              "bad_file: it: adapter_config.json: \"peft_type\" is missing"},
        Fault{"another_kind", R"({"peft_type": "IA3"})",
              "unsupported: it: adapter_config.json: peft_type: \"IA3\" is not supported, only "
              "LORA, PROMPT_TUNING, P_TUNING and PREFIX_TUNING"},
        Fault{"dora", R"({"use_dora": true})",
              "unsupported: it: adapter_config.json: \"use_dora\" is not supported"},
        Fault{"modules_to_save", R"({"modules_to_save": ["lm_head"]})",
              "unsupported: it: adapter_config.json: \"modules_to_save\" is not supported"},
        Fault{"activated", R"({"alora_invocation_tokens": [1, 2]})",
              "unsupported: it: adapter_config.json: \"alora_invocation_tokens\" is not supported"},
        Fault{"a_setting_of_tomorrow", R"({"use_something": "new"})",
              "unsupported: it: adapter_config.json: \"use_something\" is not supported"},
        Fault{"biases", R"({"bias": "lora_only"})",
              "unsupported: it: adapter_config.json: bias: changed biases are not supported, only "
              "\"none\""},
        Fault{"pissa", R"({"init_lora_weights": "pissa"})",
              "unsupported: it: adapter_config.json: init_lora_weights: \"pissa\" changes the base "
              "model as well, which is not supported"},
        Fault{"rank", R"({"r": 8})",
              "bad_file: it: \"model.layers.0.mlp.down_proj\": a (4, 48) and b (32, 4), of rank 8"},
        Fault{"no_rank", R"({"r": null})", "bad_file: it: adapter_config.json: \"r\" is missing"},
        Fault{"rank_of_zero", R"({"r": 0})",
              "bad_file: it: adapter_config.json: r: 0 is not from 1 to 16777216"},
        Fault{"alpha", R"({"lora_alpha": "8"})",
              "bad_file: it: adapter_config.json: lora_alpha: expected a number"},
        Fault{"dropout", R"({"lora_dropout": 1})",
              "bad_file: it: adapter_config.json: lora_dropout: expected a share below 1"},
        Fault{"a_rank_for_some", R"({"rank_pattern": {"down_proj": 2}})",
              "bad_file: it: \"model.layers.0.mlp.down_proj\": a (4, 48) and b (32, 4), of rank 2"},
        Fault{"a_regular_expression", R"({"alpha_pattern": {"layers.[0-9]": 2}})",
              "unsupported: it: adapter_config.json: alpha_pattern: the regular expression "
              "\"layers.[0-9]\" is not supported, only names"}),
    [](const auto& one) { return std::string(one.param.name); });

class PromptConfigFault : public ::testing::TestWithParam<Fault> {};

TEST_P(PromptConfigFault, IsToldInASentence) {
  EXPECT_EQ(read_changed("llama_prefix", GetParam().changes), GetParam().error);
}

INSTANTIATE_TEST_SUITE_P(
    All, PromptConfigFault,
    ::testing::Values(
        Fault{"none", "{}", "nothing"},
        Fault{"count", R"({"num_virtual_tokens": 5})",
              "bad_file: it: prompt_embeddings has the shape (4, 128), its config asks for (5, "
              "128)"},
        Fault{
            "width", R"({"peft_type": "PROMPT_TUNING"})",
            "bad_file: it: prompt_embeddings has the shape (4, 128), its config asks for (4, 32)"},
        Fault{"two_stacks", R"({"num_transformer_submodules": 2})",
              "unsupported: it: adapter_config.json: \"num_transformer_submodules\" 2 is not "
              "supported, only 1"},
        Fault{"no_count", R"({"num_virtual_tokens": null})",
              "bad_file: it: adapter_config.json: \"num_virtual_tokens\" is missing"}),
    [](const auto& one) { return std::string(one.param.name); });

/// What reading a LoRA of rank 4 with these tensors says.
std::string read_tensors(const std::vector<std::pair<std::string, Tensor>>& tensors) {
  const test::TempFolder folder;
  std::vector<store::TensorOutput> outputs;
  for (const auto& [name, tensor] : tensors) outputs.push_back(store::output_of(name, tensor));
  store::write_safetensors(folder / "t", outputs, {});
  const Json config = {{"peft_type", "LORA"}, {"r", 4}, {"lora_alpha", 8}};
  const auto file = store::open_safetensors(folder / "t");
  const store::TensorSource source("it", file.tensors.tensors());
  return refusal([&] { peft_adapter(config, source, "it"); });
}

TEST(PeftTensors, OfAnyOtherKindAreRefused) {
  const std::string q = "base_model.model.model.layers.0.self_attn.q_proj.";
  const std::pair a(q + "lora_A.weight", matrix(4, 32)), b(q + "lora_B.weight", matrix(64, 4));
  EXPECT_EQ(read_tensors({a, b}), "nothing");
  EXPECT_EQ(read_tensors({}), "bad_file: it: no tensors of changes");
  EXPECT_EQ(read_tensors({a}), "bad_file: it: no tensor \"" + q +
                                   "lora_B.weight\" among its 1; there is \"" + q +
                                   "lora_A.weight\"");
  EXPECT_EQ(read_tensors({a, b, {"base_model.model.x.lora_B.weight", matrix(1, 4)}}),
            "bad_file: it: no tensor \"base_model.model.x.lora_A.weight\" among its 3; there is "
            "\"base_model.model.x.lora_B.weight\"");
  EXPECT_EQ(read_tensors({a, b, {q + "lora_magnitude_vector", Tensor::zeros({64})}}),
            "unsupported: it: \"" + q + "lora_magnitude_vector\": DoRA are not supported");
  EXPECT_EQ(read_tensors(
                {a, b, {"base_model.model.model.embed_tokens.lora_embedding_A", matrix(4, 107)}}),
            "unsupported: it: \"base_model.model.model.embed_tokens.lora_embedding_A\": changes of "
            "embeddings are not supported");
  EXPECT_EQ(read_tensors({a, b, {q + "lora_B.bias", Tensor::zeros({64})}}),
            "unsupported: it: \"" + q + "lora_B.bias\": changes of biases are not supported");
  EXPECT_EQ(
      read_tensors({a, {q + "lora_B.weight", matrix(64, 3)}}),
      "bad_file: it: \"model.layers.0.self_attn.q_proj\": a (4, 32) and b (64, 3), of rank 4");
  EXPECT_EQ(
      read_tensors({a, {q + "lora_B.weight", Tensor::zeros({256})}}),
      "bad_file: it: tensor \"" + q + "lora_B.weight\" has the shape (256), expected a matrix");
  EXPECT_EQ(read_tensors({a, {q + "lora_B.weight", Tensor::zeros({64, 4}, DType::f64)}}),
            "unsupported: it: tensor \"" + q +
                "lora_B.weight\" holds F64; adapters are F32, BF16 or F16");
}

TEST(PeftFolder, WithoutItsFilesIsNone) {
  const test::TempFolder folder;
  const auto read = [&] {
    std::string error = test::refused([&] { read_adapter(folder.path()); });
    for (std::size_t at; (at = error.find(folder.path().string())) != std::string::npos;)
      error.replace(at, folder.path().string().size(), "it");
    return error;
  };
  EXPECT_EQ(read(), "not_found: read: it/adapter_config.json: No such file or directory");
  write_file(folder / "adapter_config.json", R"({"peft_type": "LORA"})");
  EXPECT_EQ(read(),
            "not_found: it: there is neither adapter_model.safetensors nor adapter_model.bin");
  EXPECT_EQ(refusal([] { read_adapter(adapter_path("llama_lora/adapter_model.safetensors")); }),
            "bad_argument: adapter training/llama_lora/adapter_model.safetensors: name its folder, "
            "which has adapter_config.json as well");
  EXPECT_EQ(refusal([] { read_adapter(golden::path_of("families/llama.gguf")); }),
            "bad_file: families/llama.gguf: no adapter: general.type is not \"adapter\"");
}

/// A GGUF LoRA of rank 2 for q of the tiny Llama, changed by `change`.
std::string read_gguf(const std::function<void(store::GgufOutput&)>& change,
                      std::string* fits = nullptr) {
  const test::TempFolder folder;
  store::GgufOutput output;
  output.set("general.type", std::string_view("adapter"));
  output.set("general.architecture", std::string_view("llama"));
  output.set("adapter.type", std::string_view("lora"));
  output.set("adapter.lora.alpha", 4.0F);
  output.tensors.push_back(store::output_of("blk.0.attn_q.weight.lora_a", matrix(2, 32)));
  output.tensors.push_back(store::output_of("blk.0.attn_q.weight.lora_b", matrix(64, 2)));
  change(output);
  store::write_gguf(folder / "a.gguf", output);
  const auto shown = [&](std::string error) {
    const std::string path = (folder / "a.gguf").string();
    for (std::size_t at; (at = error.find(path)) != std::string::npos;)
      error.replace(at, path.size(), "it");
    return error;
  };
  if (fits != nullptr) {
    *fits = shown(refusal([&] {
      Model model = tiny_model("llama", Names::gguf);
      attach(model, read_adapter(folder / "a.gguf"));
    }));
  }
  return shown(test::refused([&] { read_adapter(folder / "a.gguf"); }));
}

TEST(GgufAdapter, ThatIsDamagedIsRefused) {
  EXPECT_EQ(read_gguf([](auto&) {}), "nothing");
  EXPECT_EQ(read_gguf([](auto& file) { file.set("adapter.type", std::string_view("control")); }),
            "unsupported: it: an adapter of type \"control\", only \"lora\" is supported");
  EXPECT_EQ(read_gguf([](auto& file) { file.unset("adapter.lora.alpha"); }),
            "bad_file: key \"adapter.lora.alpha\" of it: missing");
  EXPECT_EQ(read_gguf([](auto& file) {
              file.set("adapter.lora.alpha", std::numeric_limits<float>::infinity());
            }),
            "bad_file: it: adapter.lora.alpha is no finite number");
  EXPECT_EQ(read_gguf([](auto& file) { file.set("adapter.alora.invocation_tokens", 1U); }),
            "unsupported: it: \"adapter.alora.invocation_tokens\" is not supported");
  EXPECT_EQ(read_gguf([](auto& file) { file.tensors.pop_back(); }),
            "bad_file: it: no tensor \"blk.0.attn_q.weight.lora_b\" among its 1; there is "
            "\"blk.0.attn_q.weight.lora_a\"");
  EXPECT_EQ(read_gguf([](auto& file) { file.tensors.erase(file.tensors.begin()); }),
            "bad_file: it: no tensor \"blk.0.attn_q.weight.lora_a\" among its 1; there is "
            "\"blk.0.attn_q.weight.lora_b\"");
  EXPECT_EQ(read_gguf([](auto& file) { file.tensors.clear(); }),
            "bad_file: it: no tensors of changes");
  EXPECT_EQ(read_gguf([](auto& file) {
              file.tensors.push_back(store::output_of("blk.0.attn_norm.weight", matrix(1, 32)));
            }),
            "unsupported: it: tensor \"blk.0.attn_norm.weight\" is no low-rank change, and leaving "
            "it out would change the answers");
  EXPECT_EQ(read_gguf([](auto& file) {
              file.tensors[1] = store::output_of("blk.0.attn_q.weight.lora_b", matrix(64, 3));
            }),
            "bad_file: it: \"blk.0.attn_q.weight\": a (2, 32) and b (64, 3)");
  EXPECT_EQ(read_gguf([](auto& file) {
              file.tensors[0] = store::output_of("token_embd.weight.lora_a", matrix(2, 107));
            }),
            "unsupported: it: \"token_embd.weight.lora_a\": changes of embeddings are not "
            "supported");
}

TEST(GgufAdapter, ForAnotherModelIsRefused) {
  std::string fits;
  read_gguf([](auto&) {}, &fits);
  EXPECT_EQ(fits, "nothing");
  read_gguf([](auto& file) { file.set("general.architecture", std::string_view("qwen2")); }, &fits);
  EXPECT_EQ(fits,
            "bad_argument: adapter it (for another model) does not fit families/llama.gguf (Llama, "
            "llama): its architecture is \"qwen2\"");
  read_gguf(
      [](auto& file) {
        file.tensors[0] = store::output_of("blk.0.attn_q.weight.lora_a",
                                           matrix(2, 32, std::numeric_limits<float>::quiet_NaN()));
      },
      &fits);
  EXPECT_EQ(fits,
            "bad_file: adapter it: \"blk.0.attn_q.weight\" has values that are no finite numbers");
}

TEST(GgufAdapter, WithoutAlphaHasTheScaleOne) {
  const test::TempFolder folder;
  Adapter adapter =
      in_names(read_adapter(adapter_path("llama_lora")), tiny_model("llama"), Names::gguf);
  write_gguf_adapter(folder / "a.gguf", adapter);
  const store::GgufFile file(folder / "a.gguf");
  store::GgufOutput output = store::output_of(file);
  output.set("adapter.lora.alpha", 0.0F);
  store::write_gguf(folder / "b.gguf", output);
  const Adapter read = read_adapter(folder / "b.gguf");
  EXPECT_EQ(read.scale(read.changes.front()), 1);

  adapter.changes.front().alpha = 3;
  EXPECT_EQ(test::refused([&] { write_gguf_adapter(folder / "c.gguf", adapter); }),
            "unsupported: write adapter: GGUF has one alpha for all weights and scales by alpha / "
            "rank, but the scale of \"blk.0.ffn_gate.weight\" is 2 at rank 4");
  EXPECT_FALSE(std::filesystem::exists(folder / "c.gguf"));
}

TEST(PeftAdapter, RanksAndAlphasOfSomeWeightsAreKept) {
  const test::TempFolder folder;
  Adapter adapter;
  adapter.rank = 4;
  adapter.alpha = 8;
  adapter.changes = {{"model.layers.0.self_attn.q_proj.weight", matrix(4, 32), matrix(64, 4), 8},
                     {"model.layers.1.self_attn.q_proj.weight", matrix(2, 32), matrix(64, 2), 8},
                     {"model.layers.1.self_attn.v_proj.weight", matrix(4, 32), matrix(32, 4), 3.5}};
  write_peft(folder / "a", adapter);
  const Adapter read = read_adapter(folder / "a");
  ASSERT_EQ(read.changes.size(), 3U);
  EXPECT_EQ(read.changes[1].R(), 2);
  EXPECT_EQ(read.scale(read.changes[0]), 2);
  EXPECT_EQ(read.scale(read.changes[1]), 4);
  EXPECT_EQ(read.scale(read.changes[2]), 3.5 / 4);
  EXPECT_EQ(read.targets, (std::vector<std::string>{"model.layers.0.self_attn.q_proj",
                                                    "model.layers.1.self_attn.q_proj",
                                                    "model.layers.1.self_attn.v_proj"}));
}

TEST(AdapterCorpus, ReplaysWithoutACrash) {
  test::replay_corpus("adapter", 4,
                      [](const std::filesystem::path& path) { return exercise_adapter(path); });
}

}  // namespace
}  // namespace pomona::model
