// Conversion of every family's tiny random model, against the folder that transformers wrote and
// the GGUF file that llama.cpp's converter made of it.
#include "convert/convert.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/convert/convert_support.h"

namespace pomona::convert {
namespace {

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

TEST_F(ConvertFiles, LongRopeKeepsBothSetsOfFactors) {
  const fs::path folder = temp / "long";
  put_folder("phi3", golden::Golden("families/phi3").facts().at("variant"), folder);
  convert(folder, temp / "long.gguf");
  convert(temp / "long.gguf", temp / "again");
  for (const std::int64_t context : {0, 100}) {  // the short factors, and the long ones
    const auto logits = [&](const fs::path& path) {
      model::Model model = model::load_model(path, context);
      test::Engine engine;
      engine.context.compute = Compute::f32;
      nn::Batch batch;
      batch.append(std::vector<std::int32_t>{5, 17, 99, 3}, 0, nullptr, nn::Batch::Logits::all);
      const Tensor found = model.lm->forward(batch, engine.context);
      return std::vector<float>(found.data<float>(), found.data<float>() + found.elements());
    };
    const std::vector<float> expected = logits(folder);
    EXPECT_LE(largest_difference(logits(temp / "long.gguf"), expected), 1e-6) << context;
    EXPECT_LE(largest_difference(logits(temp / "again"), expected), 1e-6) << context;
  }
}

TEST_F(ConvertFiles, FewBitsBecomeTheValuesThatTheyStandFor) {
  const fs::path source = golden::path_of("llama_tiny_q4_1.gguf");
  const ConvertResult result = convert(source, temp / "wide");
  EXPECT_EQ(result.types.size(), 1u);
  EXPECT_EQ(result.types.count("F32"), 1u);
  EXPECT_EQ(logits_of(temp / "wide"), logits_of(source));
}

TEST_F(ConvertFiles, ATypeIsThatOfTheMatrices) {
  const auto types = [&](const fs::path& to, DType type) {
    return convert(to.extension() == ".gguf" ? folder_of("llama") : file_of("llama"), to,
                   {.type = type})
        .types;
  };
  using Types = std::map<std::string, std::int64_t>;
  EXPECT_EQ(types(temp / "half.gguf", DType::f16), (Types{{"F16", 16}, {"F32", 6}}));
  EXPECT_EQ(store::GgufFile(temp / "half.gguf").metadata().unsigned_integer("general.file_type"),
            1u);
  // The norms' random values need more than 16 bits, so they keep them.
  EXPECT_EQ(types(temp / "half", DType::bf16), (Types{{"BF16", 16}, {"F32", 5}}));
  EXPECT_EQ(store::HubFolder(temp / "half").config().at("torch_dtype"), "bfloat16");
  convert(temp / "half", temp / "same.gguf");
  EXPECT_LE(largest_difference(logits_of(temp / "same.gguf"), logits_of(temp / "half")), 1e-6);
}

TEST_F(ConvertFiles, AFolderOfHalfNumbersStaysOne) {
  convert(folder_of("qwen2"), temp / "half.gguf", {.type = DType::bf16});
  const auto types = convert(temp / "half.gguf", temp / "half").types;
  EXPECT_EQ(types.at("BF16"), 15);
}

TEST_F(ConvertFiles, TooLargeAWeightForF16IsSaid) {
  const fs::path folder = temp / "large";
  put_folder("llama", Json::object(), folder);
  change_tensors(folder, [](std::vector<store::TensorOutput>& tensors) {
    for (store::TensorOutput& tensor : tensors) {
      if (tensor.name != "model.layers.1.mlp.up_proj.weight") continue;
      tensor.write = [size = tensor.size()](const store::ByteSink& sink) {
        const std::vector<float> values(size / sizeof(float), 70000.0f);
        sink(std::as_bytes(std::span(values)));
      };
    }
  });
  EXPECT_EQ(
      test::refused([&] { convert(folder, temp / "x.gguf", {.type = DType::f16}); }),
      "unsupported: convert: tensor \"model.layers.1.mlp.up_proj.weight\": 70000 is too large "
      "a weight for F16; take --type bf16 or f32");
}

TEST_F(ConvertFiles, MissingAndStrangeTensorsAreNamedTogether) {
  const fs::path folder = temp / "broken";
  put_folder("llama", Json::object(), folder);
  change_tensors(folder, [](std::vector<store::TensorOutput>& tensors) {
    std::erase_if(tensors, [](const store::TensorOutput& tensor) {
      return tensor.name.find("layers.1.mlp") != std::string::npos;
    });
  });
  EXPECT_EQ(test::refused([&] { convert(folder, temp / "x.gguf"); }),
            "bad_file: convert: " + folder.string() +
                ": 3 of the model's tensors missing: \"model.layers.1.mlp.gate_proj.weight\", "
                "\"model.layers.1.mlp.up_proj.weight\", \"model.layers.1.mlp.down_proj.weight\"");
  fs::remove_all(folder);
  put_folder("llama", Json::object(), folder);
  change_tensors(folder, [](std::vector<store::TensorOutput>& tensors) {
    for (const char* name : {"model.extra.weight", "model.layers.0.self_attn.q_norm.weight"}) {
      tensors.push_back(tensors.front());
      tensors.back().name = name;
    }
  });
  EXPECT_EQ(test::refused([&] { convert(folder, temp / "x.gguf"); }),
            "unsupported: convert: " + folder.string() +
                ": 2 tensors have no place in this model, and leaving them out would change the "
                "answers: \"model.extra.weight\", \"model.layers.0.self_attn.q_norm.weight\"");
}

TEST_F(ConvertFiles, OfAModelThatSeesTheTextPartIsConverted) {
  const fs::path folder = temp / "seeing";
  put_folder("gemma3", Json::object(), folder);
  Json config = {{"model_type", "gemma3"}, {"text_config", read_json(folder / "config.json")}};
  write_file(folder / "config.json", config.dump());
  change_tensors(folder, [](std::vector<store::TensorOutput>& tensors) {
    for (store::TensorOutput& tensor : tensors) tensor.name.insert(0, "language_model.");
    tensors.push_back(tensors.front());
    tensors.back().name = "vision_tower.embeddings.weight";
  });
  const ConvertResult result = convert(folder, temp / "text.gguf");
  EXPECT_EQ(result.unused, std::vector<std::string>{"vision_tower.embeddings.weight"});
  EXPECT_LE(largest_difference(logits_of(temp / "text.gguf"), logits_of(file_of("gemma3"))), 0);
}

TEST_F(ConvertFiles, ALicenceAndAChatTemplateGoAlong) {
  const fs::path folder = temp / "talking";
  put_folder("llama", Json::object(), folder);
  write_file(folder / "README.md", "---\nlicense: apache-2.0\n---\n");
  write_file(folder / "chat_template.jinja", "{{ messages[0].content }}");
  convert(folder, temp / "talking.gguf");
  convert(temp / "talking.gguf", temp / "again");
  const model::ModelFiles files = model::open_model_files(temp / "again");
  EXPECT_EQ(files.licence, "apache-2.0");
  EXPECT_EQ(files.text.chat_template, "{{ messages[0].content }}");
}

TEST_F(ConvertFiles, ATurnsEndThatOnlyTheFolderKnowsGoesAlong) {
  const fs::path folder = temp / "ends";
  put_folder("llama", Json::object(), folder);
  const auto generation = read_json(folder / "generation_config.json");
  Json ends = generation;
  ends["eos_token_id"] = {2, 9};
  write_file(folder / "generation_config.json", ends.dump());
  convert(folder, temp / "ends.gguf");
  EXPECT_EQ(model::load_model(temp / "ends.gguf").end_tokens, model::load_model(folder).end_tokens);
}

TEST_F(ConvertFiles, NothingIsLeftOfWhatWasInterrupted) {
  StopToken stop;
  stop.request();
  for (const fs::path& to : {temp / "x", temp / "x.gguf"}) {
    const fs::path from = to.extension() == ".gguf" ? folder_of("llama") : file_of("llama");
    EXPECT_EQ(test::refused([&] { convert::convert(from, to, {}, no_progress(), stop); }),
              "cancelled: convert: interrupted");
  }
  EXPECT_TRUE(fs::is_empty(temp.path()));
}

TEST_F(ConvertFiles, WhatOthersDoInAnotherWayIsNoted) {
  using Notes = std::vector<std::string>;
  EXPECT_EQ(convert(folder_of("llama"), temp / "llama.gguf").notes, Notes());
  EXPECT_EQ(convert(folder_of("gemma2"), temp / "gemma2.gguf").notes,
            Notes{"llama.cpp does not read attention.scale (query_pre_attn_scalar)"});
  EXPECT_EQ(
      convert(folder_of("mistral"), temp / "mistral.gguf").notes,
      Notes{"llama.cpp leaves out the window of 4 tokens: longer texts are answered in another "
            "way"});
  const fs::path folder = temp / "drawing";
  put_folder("llama", Json::object(), folder);
  write_file(folder / "generation_config.json", R"({"temperature": 0.6, "top_p": 0.9})");
  EXPECT_EQ(convert(folder, temp / "drawing.gguf").notes,
            Notes{"generation_config.json: temperature, top_p are left behind"});
}

TEST_F(ConvertFiles, TwoOfAKindAndWhatIsThereAreRefused) {
  const std::string file = file_of("llama").string(), folder = folder_of("llama").string();
  EXPECT_EQ(test::refused([&] { convert(file, temp / "x.gguf"); }),
            "bad_argument: convert: " + file +
                " is a GGUF file already; name a folder to write, not " +
                (temp / "x.gguf").string() + " (`pomona quantize` changes the types of a file)");
  EXPECT_EQ(test::refused([&] { convert(folder, temp / "x"); }),
            "bad_argument: convert: " + folder +
                " is a folder of the hub's kind already; name a .gguf file to write, not " +
                (temp / "x").string());
  fs::create_directory(temp / "full");
  write_file(temp / "full" / "mine.txt", "mine");
  EXPECT_EQ(test::refused([&] { convert(file, temp / "full"); }),
            "bad_argument: write model folder: " + (temp / "full").string() +
                " is there already; remove it or choose another name");
  EXPECT_EQ(read_file(temp / "full" / "mine.txt"), "mine");
}

}  // namespace
}  // namespace pomona::convert
