// Models in the hub's own cache, as its own programs leave them there.
#include "tests/hub/hub_fixture.h"

namespace pomona::hub {
namespace {

using test::ScopedEnv;

class HubCacheTest : public HubTest {
 protected:
  /// A snapshot as huggingface_hub leaves it: files are links to blobs.
  fs::path put(const std::string& file, const std::string& content) const {
    const fs::path blob = cache_ / "blobs" / sha256_hex(content);
    const fs::path link = cache_ / "snapshots" / commit_ / file;
    write_file(blob, content);
    write_file(cache_ / "refs/main", commit_);
    fs::create_directories(link.parent_path());
    fs::create_symlink(blob, link);
    return link;
  }

  const fs::path cache_ = folder_ / "hf/hub/models--org--name";
  const std::string commit_ = std::string(40, 'c');
};

TEST_F(HubCacheTest, AModelThereIsUsedWhereItLies) {
  put("config.json", "{}");
  put("tokenizer.json", "{}");
  const fs::path weights = put("model.safetensors", model_bytes());
  EXPECT_EQ(resolve("org/name").path, weights.parent_path());
  const Pulled pulled = pull("org/name");
  EXPECT_TRUE(pulled.cached);
  EXPECT_EQ(pulled.source, "the hub's cache");
  EXPECT_EQ(pulled.path, weights.parent_path());
  EXPECT_EQ(pulled.bytes, model_bytes().size() + 4);
  EXPECT_TRUE(hub_->requests().empty());
  EXPECT_EQ(resolve("org/name@" + commit_).path, weights.parent_path());
  ModelStore store(home_);
  const auto rows = store.list();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].name, "org/name");
  EXPECT_TRUE(rows[0].cached);
  const Error error = error_of([&] { store.remove("org/name"); });
  EXPECT_EQ(error.kind(), ErrorKind::bad_argument);
  EXPECT_TRUE(fs::exists(weights));
}

TEST_F(HubCacheTest, GgufFilesThereAreModels) {
  put("config.json", "{}");
  const fs::path one = put("q4.gguf", model_bytes());
  EXPECT_EQ(resolve("org/name").path, one);
  EXPECT_EQ(resolve("org/name:q4.gguf").path, one);
  EXPECT_EQ(error_of([&] { resolve("org/name:q8.gguf"); }).kind(), ErrorKind::not_found);
}

TEST_F(HubCacheTest, ItsPlaceIsWhereTheVariablesSay) {
  const fs::path moved = folder_ / "elsewhere";
  put("x.gguf", "x");
  fs::create_directories(moved);
  fs::rename(folder_ / "hf/hub", moved / "hub");
  EXPECT_EQ(error_of([&] { resolve("org/name"); }).kind(), ErrorKind::not_found);
  const auto found = [&] {
    return parse_repository_name("org/name") && find_cached(*parse_repository_name("org/name"));
  };
  {
    const ScopedEnv variable("HF_HUB_CACHE", (moved / "hub").string());
    EXPECT_TRUE(found());
  }
  const ScopedEnv home("HF_HOME", std::nullopt);
  EXPECT_FALSE(found());
  fs::create_directories(moved / "huggingface");
  fs::rename(moved / "hub", moved / "huggingface/hub");
  {
    const ScopedEnv variable("XDG_CACHE_HOME", moved.string());
    EXPECT_TRUE(found());
  }
  fs::create_directories(moved / ".cache");
  fs::rename(moved / "huggingface", moved / ".cache/huggingface");
  const ScopedEnv variable("HOME", moved.string());
  EXPECT_TRUE(found());
}

TEST_F(HubCacheTest, ASnapshotThatIsNotWholeIsExplained) {
  put("config.json", "{}");
  put("tokenizer.json", "{}");
  put("model.safetensors.index.json",
      R"({"weight_map": {"a": "m-1.safetensors", "b": "m-2.safetensors"}})");
  fs::remove(fs::canonical(put("m-1.safetensors", "1")));  // a link to a blob that is gone
  put("m-2.safetensors", "2");
  const Error error = error_of([&] { resolve("org/name"); });
  EXPECT_EQ(error.kind(), ErrorKind::not_found);
  EXPECT_TRUE(contains(error.what(), "1 of 2 files with weights are missing: m-1.safetensors"))
      << error.what();
  EXPECT_TRUE(contains(error.what(), "run `pomona pull org/name`")) << error.what();
  EXPECT_TRUE(ModelStore(home_).list().empty());
  add_folder_model();
  EXPECT_EQ(pull("org/name").path, store_folder());
  EXPECT_EQ(resolve("org/name").path, store_folder());
}

TEST_F(HubCacheTest, AFileOfTheCatalogueIsFoundThereByItsHash) {
  write_catalogue("[[source]]\nkind = \"hub\"\nrepo = \"org/name\"\nrevision = \"" +
                  std::string(40, 'd') + "\"\nfile = \"q4.gguf\"\n");
  put("q4.gguf", "another version");
  EXPECT_EQ(error_of([&] { resolve("tiny"); }).kind(), ErrorKind::not_found);
  fs::remove(cache_ / "snapshots" / commit_ / "q4.gguf");
  const fs::path there = put("q4.gguf", model_bytes());
  EXPECT_EQ(resolve("tiny").path, there);
  const Pulled pulled = pull("tiny");
  EXPECT_EQ(pulled.path, there);
  EXPECT_EQ(pulled.source, "the hub's cache");
  EXPECT_TRUE(ModelStore(home_).list().at(0).cached);
  EXPECT_TRUE(hub_->requests().empty());
  write_file(cache_ / "blobs" / sha256_hex(model_bytes()), "damaged");
  files_["q4.gguf"] = model_bytes();
  EXPECT_EQ(pull("tiny").path, place()) << "then it is fetched";
}

TEST_F(HubCacheTest, WhatPomonaCannotLoadIsListedAsSuch) {
  put("config.json", R"({"model_type": "bert"})");
  put("tokenizer.json", "{}");
  put("model.safetensors", model_bytes());
  const ModelRow row = ModelStore(home_).list().at(0);
  EXPECT_EQ(row.name, "org/name");
  EXPECT_TRUE(contains(row.obstacle, "bert")) << row.obstacle;
  fs::remove(cache_ / "snapshots" / commit_ / "config.json");
  put("config.json", R"({"model_type": "llama"})");
  EXPECT_EQ(ModelStore(home_).list().at(0).obstacle, "");
}

}  // namespace
}  // namespace pomona::hub
