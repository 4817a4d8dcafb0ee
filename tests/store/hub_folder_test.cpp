#include "store/hub_folder.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "store/safetensors_writer.h"
#include "tests/support/golden.h"
#include "tests/support/refused.h"
#include "tests/support/temp_folder.h"

namespace pomona::store {
namespace {

using test::refused;

fs::path golden_file(const std::string& name) { return golden::path_of("checkpoint/" + name); }

class HubFolderTest : public ::testing::Test {
 protected:
  HubFolderTest() {
    put("config.json", R"({"model_type": "llama"})");
    put("tokenizer_config.json", R"({"eos_token": "</s>"})");
    put("chat_template.jinja", "{{ messages }}");
  }
  void put(const std::string& name, std::string_view text) const {
    write_file(folder_ / name, text);
  }
  void copy(const std::string& from, const std::string& to) const {
    fs::copy_file(golden_file(from), folder_ / to);
  }

  test::TempFolder folder_;
};

TEST_F(HubFolderTest, ReadsItsFiles) {
  const HubFolder hub(folder_.path());
  EXPECT_EQ(hub.config()["model_type"], "llama");
  EXPECT_EQ((*hub.json(kTokenizerConfigFile))["eos_token"], "</s>");
  EXPECT_EQ(hub.text(kChatTemplateFile), "{{ messages }}");
  EXPECT_EQ(hub.json(kGenerationConfigFile), std::nullopt);
  EXPECT_EQ(hub.text("README.md"), std::nullopt);
  EXPECT_EQ(hub.weights_path(), std::nullopt);
}

TEST_F(HubFolderTest, TakesTheBestWeights) {
  const HubFolder hub(folder_.path());
  copy("types.pt", "pytorch_model.bin");
  EXPECT_EQ(hub.weights().at("t.F64").type.name, "F64");
  copy("pytorch_model.bin.index.json", "pytorch_model.bin.index.json");
  for (const char* name : {"pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"})
    copy(name, name);
  EXPECT_EQ(hub.weights().tensors().size(), 4u);
  copy("types.safetensors", "model.safetensors");
  EXPECT_EQ(hub.weights_path(), folder_ / "model.safetensors");
  copy("model.safetensors.index.json", "model.safetensors.index.json");
  EXPECT_EQ(refused([&] { hub.weights(); }),
            "not_found: " + (folder_ / "model.safetensors.index.json").string() +
                ": the file \"model-00001-of-00002.safetensors\" that it names is missing");
}

TEST_F(HubFolderTest, FollowsTheLinksOfTheHubsCache) {
  const test::TempFolder cache;
  const fs::path snapshot = cache / "models--org--name/snapshots/0123abcd";
  const fs::path blobs = cache / "models--org--name/blobs";
  fs::create_directories(snapshot);
  fs::create_directories(blobs);
  const auto link = [&](const std::string& name, const fs::path& file) {
    fs::copy_file(file, blobs / ("sha-" + name));
    fs::create_symlink("../../blobs/sha-" + name, snapshot / name);
  };
  link("config.json", folder_ / "config.json");
  for (const char* name : {"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
                           "model.safetensors.index.json"})
    link(name, golden_file(name));
  const HubFolder hub(snapshot);
  EXPECT_EQ(hub.config()["model_type"], "llama");
  EXPECT_EQ(hub.weights().tensors().size(), 4u);
}

TEST_F(HubFolderTest, SaysWhatIsWrong) {
  const std::string path = folder_.path().string();
  const HubFolder hub(folder_.path());
  EXPECT_EQ(refused([&] { hub.weights(); }),
            "not_found: open model folder: " + path +
                ": no weights in it (model.safetensors or pytorch_model.bin, or the index of "
                "either)");
  put("generation_config.json", "[1]");
  EXPECT_EQ(refused([&] { hub.json(kGenerationConfigFile); }),
            "bad_file: " + path + "/generation_config.json: expected a JSON object, found array");
  put("chat_template.jinja", "ab\xFF");
  EXPECT_EQ(refused([&] { hub.text(kChatTemplateFile); }),
            "bad_file: " + path + "/chat_template.jinja: byte 2: not UTF-8");
  put("config.json", "{\"a\": }");
  EXPECT_EQ(refused([&] { HubFolder again(folder_.path()); }),
            "bad_file: " + path + "/config.json: not valid JSON at byte 7");
  fs::remove(folder_ / "config.json");
  EXPECT_EQ(refused([&] { HubFolder again(folder_.path()); }),
            "not_found: open model folder: " + path + ": no config.json in it");
}

TEST_F(HubFolderTest, WhatIsWrittenIsRead) {
  const TensorSource weights = open_safetensors(golden_file("types.safetensors")).tensors;
  const fs::path out = folder_ / "deep/out";
  {
    HubFolderWriter writer(out / "");
    writer.write_json(kConfigFile, {{"model_type", "llama"}, {"b", "ü"}, {"a", 1}});
    writer.write_text(kChatTemplateFile, "{{ x }}");
    write_safetensors_folder(writer.staging(), outputs_of(weights), {{"format", "pt"}});
    EXPECT_FALSE(fs::exists(out));
    writer.commit();
  }
  EXPECT_EQ(read_file(out / "config.json"),
            "{\n  \"model_type\": \"llama\",\n  \"b\": \"ü\",\n  \"a\": 1\n}\n");
  const HubFolder hub(out);
  EXPECT_EQ(hub.weights().tensors().size(), weights.tensors().size());
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "deep"), {}), 1);
}

TEST_F(HubFolderTest, LeavesNothingBehindAndReplacesNothing) {
  const fs::path out = folder_ / "out";
  {
    HubFolderWriter writer(out);
    writer.write_text("config.json", "{}");
  }
  EXPECT_FALSE(fs::exists(out));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), {}), 3);
  EXPECT_EQ(refused([&] { HubFolderWriter writer(folder_.path()); }),
            "bad_argument: write model folder: " + folder_.path().string() +
                " is there already; remove it or choose another name");
  fs::create_directory(out);
  HubFolderWriter writer(out);
  writer.write_text("config.json", "{}");
  write_file(out / "other", "x");
  EXPECT_EQ(refused([&] { writer.commit(); }),
            "io: write model folder: " + out.string() + ": Directory not empty");
  fs::remove(out / "other");
  writer.commit();
  EXPECT_EQ(read_file(out / "config.json"), "{}");
}

}  // namespace
}  // namespace pomona::store
