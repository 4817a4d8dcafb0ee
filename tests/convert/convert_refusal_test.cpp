// What the other kind of file cannot say is refused, and what it can say in another way is kept.
#include <gtest/gtest.h>

#include "tests/convert/convert_support.h"

namespace pomona::convert {
namespace {

struct Refusal {
  const char* name;
  const char* family;
  const char* changes;
  const char* error;  // behind the path
};
void PrintTo(const Refusal& refusal, std::ostream* out) { *out << refusal.name; }

class ConvertRefusal : public testing::TestWithParam<Refusal> {};

TEST_P(ConvertRefusal, SaysWhatGgufCannot) {
  const test::TempFolder temp;
  const fs::path folder = temp / "model";
  put_folder(GetParam().family, Json::parse(GetParam().changes), folder);
  EXPECT_EQ(test::refused([&] { convert(folder, temp / "made.gguf"); }),
            "unsupported: convert: " + folder.string() + ": " + GetParam().error);
  EXPECT_FALSE(fs::exists(temp / "made.gguf"));
}

INSTANTIATE_TEST_SUITE_P(
    All, ConvertRefusal,
    testing::Values(
        Refusal{"Activation", "gpt2", R"({"activation_function": "gelu"})",
                "activation_function \"gelu\": GGUF cannot say so, its gpt2 has gelu_new"},
        Refusal{"TanhOfNeox", "gpt_neox", R"({"hidden_act": "gelu_new"})",
                "hidden_act \"gelu_new\": GGUF cannot say so, its gpt_neox has gelu"},
        Refusal{"Scale", "gpt2", R"({"scale_attn_by_inverse_layer_idx": true})",
                "GGUF cannot say that attention is scaled in another way than usual"},
        Refusal{"UpperWindows", "qwen3",
                R"({"use_sliding_window": true, "sliding_window": 4, "max_window_layers": 1,
                    "layer_types": null})",
                "use_sliding_window: GGUF cannot say which layers have a window"},
        Refusal{"LayerTypes", "gemma2",
                R"({"layer_types": ["full_attention", "sliding_attention"]})",
                "layer_types: GGUF cannot say that layer 0 has \"full_attention\""},
        Refusal{"Yarn", "qwen3",
                R"({"rope_parameters": {"rope_type": "yarn", "factor": 4.0, "rope_theta": 1e6,
                    "original_max_position_embeddings": 64, "truncate": false}})",
                "yarn's truncate = false: GGUF cannot say so"},
        Refusal{"Cap", "gemma3", R"({"attn_logit_softcapping": 50.0})",
                "attn_logit_softcapping: GGUF cannot say so, its gemma3 has none"},
        Refusal{"Factors", "qwen2",
                R"({"rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                    "high_freq_factor": 4.0, "original_max_position_embeddings": 64}})",
                "rope_type llama3: GGUF cannot say so of qwen2"}),
    [](const auto& refusal) { return std::string(refusal.param.name); });

TEST_F(ConvertFiles, AGemma2WithoutACapIsRefused) {
  const fs::path folder = temp / "free";
  put_folder("gemma2", Json::object(), folder);
  Json config = read_json(folder / "config.json");
  config["final_logit_softcapping"] = nullptr;  // which a patch cannot say
  write_file(folder / "config.json", config.dump());
  EXPECT_EQ(test::refused([&] { convert(folder, temp / "free.gguf"); }),
            "unsupported: convert: " + folder.string() +
                ": final_logit_softcapping is null: GGUF cannot say so, its gemma2 has one");
}

TEST_F(ConvertFiles, TwoTurnsEndsThatOnlyTheFolderKnowsAreOneTooMany) {
  const fs::path folder = temp / "ends";
  put_folder("llama", Json::object(), folder);
  write_file(folder / "generation_config.json", R"({"eos_token_id": [2, 9, 11]})");
  const std::string error = test::refused([&] { convert(folder, temp / "ends.gguf"); });
  EXPECT_TRUE(error.starts_with("unsupported: convert: tokenizer ")) << error;
  EXPECT_TRUE(
      error.ends_with("both end a text (eos_token_id), and GGUF has a place for one such "
                      "token"))
      << error;
}

/// Changes a folder's tokenizer.json.
void change_tokenizer(const fs::path& folder, const std::function<void(Json&)>& change) {
  Json tokenizer = read_json(folder / "tokenizer.json");
  change(tokenizer);
  write_file(folder / "tokenizer.json", tokenizer.dump());
}

Json added_token(const char* text, int id) {
  return {{"id", id},        {"content", text},     {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", true}};
}

TEST_F(ConvertFiles, TokensWithoutARowAreRefused) {
  const fs::path folder = temp / "more";
  put_folder("llama", Json::object(), folder);
  change_tokenizer(folder,
                   [](Json& json) { json["added_tokens"].push_back(added_token("<more>", 107)); });
  EXPECT_EQ(test::refused([&] { convert(folder, temp / "more.gguf"); }),
            "unsupported: convert: tokenizer " + (folder / "tokenizer.json").string() +
                ": it has 108 tokens and the embedding 107 rows; GGUF has one for each");
}

TEST_F(ConvertFiles, SpecialTokensThatTakeSpacesWithThemAreNamed) {
  for (const char* flag : {"lstrip", "rstrip", "single_word"}) {
    const fs::path folder = temp / flag;
    put_folder("llama", Json::object(), folder);
    change_tokenizer(folder, [&](Json& json) { json["added_tokens"][2][flag] = true; });
    const ConvertResult result = convert(folder, temp / "x.gguf");
    EXPECT_EQ(result.tokens.special, std::vector<std::string>{"<|im_end|>"}) << flag;
    EXPECT_EQ(result.to_json()["tokenizer"]["special"], Json::array({"<|im_end|>"}));
  }
  EXPECT_TRUE(convert(folder_of("llama"), temp / "x.gguf").tokens.special.empty());
}

TEST_F(ConvertFiles, ANormalizerThatRewritesProseIsNotLost) {
  const fs::path folder = temp / "compatible";
  put_folder("llama", Json::object(), folder);
  change_tokenizer(folder, [](Json& json) { json["normalizer"] = {{"type", "NFKC"}}; });
  const std::string error = test::refused([&] { convert(folder, temp / "x.gguf"); });
  EXPECT_NE(error.find("1 of 257 texts became other tokens"), std::string::npos) << error;
}

TEST_F(ConvertFiles, AGemma2WithoutWindowsStaysOne) {
  const fs::path folder = temp / "wide";
  put_folder("gemma2", {{"layer_types", {"full_attention", "full_attention"}}}, folder);
  convert(folder, temp / "wide.gguf");
  const store::GgufFile file(temp / "wide.gguf");
  EXPECT_EQ(file.metadata().unsigned_integer("gemma2.attention.sliding_window"), 512u);
  EXPECT_EQ(logits_of(temp / "wide.gguf"), logits_of(folder));
}

TEST_F(ConvertFiles, LongRopeOfLlamaNamesItsType) {
  const std::vector<double> low = {1, 1.25, 1.5, 2, 2.5, 3, 4, 5}, high(8, 6);
  const fs::path folder = temp / "long";
  put_folder("llama",
             {{"rope_scaling",
               {{"rope_type", "longrope"},
                {"factor", 4.0},
                {"short_factor", low},
                {"long_factor", high},
                {"low_freq_factor", nullptr},
                {"high_freq_factor", nullptr},
                {"original_max_position_embeddings", 128}}}},
             folder);
  convert(folder, temp / "long.gguf");
  EXPECT_EQ(store::GgufFile(temp / "long.gguf").metadata().string("llama.rope.scaling.type"),
            "longrope");
  EXPECT_LE(largest_difference(logits_of(temp / "long.gguf"), logits_of(folder)), 1e-6);
}

TEST_F(ConvertFiles, AFactorBesideThoseOfFrequenciesIsNotLost) {
  put_file("llama", temp / "both.gguf", [](store::GgufOutput& output) {
    output.set("llama.rope.scaling.type", std::string_view("linear"));
    output.set("llama.rope.scaling.factor", 2.0f);
  });
  convert(temp / "both.gguf", temp / "both");
  EXPECT_LE(largest_difference(logits_of(temp / "both"), logits_of(temp / "both.gguf")), 1e-6);
  put_file("llama", temp / "yarn.gguf", [](store::GgufOutput& output) {
    output.set("llama.rope.scaling.type", std::string_view("yarn"));
    output.set("llama.rope.scaling.factor", 2.0f);
  });
  EXPECT_EQ(test::refused([&] { convert(temp / "yarn.gguf", temp / "yarn"); }),
            "unsupported: convert: " + (temp / "yarn.gguf").string() +
                ": yarn beside rope_freqs.weight: config.json cannot say so");
}

TEST_F(ConvertFiles, HeadsOfAGgufFileThatTurnInPartAreRefused) {
  put_file("qwen2", temp / "part.gguf", [](store::GgufOutput& output) {
    output.set("qwen2.rope.dimension_count", std::uint32_t{8});
  });
  EXPECT_EQ(test::refused([&] { convert(temp / "part.gguf", temp / "part"); }),
            "unsupported: convert: " + (temp / "part.gguf").string() +
                ": 8 of the 16 values of a head turn: the other kind of file cannot say so of "
                "qwen2");
}

TEST_F(ConvertFiles, ALicenceThatIsNoTextIsWrittenAsOne) {
  put_file("llama", temp / "odd.gguf", [](store::GgufOutput& output) {
    output.set("general.license", std::string_view("a\xff\nb"));
  });
  convert(temp / "odd.gguf", temp / "odd");
  EXPECT_TRUE(read_file(temp / "odd" / "README.md").starts_with("---\nlicense: \"a\\\\xFF"));
}

}  // namespace
}  // namespace pomona::convert
