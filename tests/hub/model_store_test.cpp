// What a MODEL argument stands for, aliases, and removing.
#include "hub/model_store.h"

#include "tests/hub/store_fixture.h"

namespace pomona::hub {
namespace {

class ModelStoreTest : public StoreTest {
 protected:
  ModelStoreTest() { write_catalogue(""); }
};

TEST_F(ModelStoreTest, ResolvesCatalogueNames) {
  ModelStore store(home_);
  const Error error = error_of([&] { store.resolve("tiny"); });
  EXPECT_EQ(error.kind(), ErrorKind::not_found);
  EXPECT_EQ(std::string(error.what()),
            "model tiny: not on this computer yet; run `pomona pull tiny` (200 kB)");
  write_file(place(), model_bytes());
  const ResolvedModel model = store.resolve("tiny");
  EXPECT_EQ(model.name, "tiny");
  EXPECT_EQ(model.base, "tiny");
  EXPECT_EQ(model.path, place());
  EXPECT_TRUE(model.settings.is_null());
}

TEST_F(ModelStoreTest, ResolvesPaths) {
  ModelStore store(home_);
  write_file(folder_ / "m/a.gguf", "x");
  write_file(folder_ / "f/config.json", "{}");
  write_file(folder_ / "m/notes.txt", "x");
  EXPECT_EQ(store.resolve((folder_ / "m/a.gguf").string()).path, folder_ / "m/a.gguf");
  EXPECT_EQ(store.resolve((folder_ / "f").string()).path, folder_ / "f");
  const auto kind = [&](const fs::path& path) {
    return error_of([&] { store.resolve(path.string()); }).kind();
  };
  EXPECT_EQ(kind(folder_ / "m/b.gguf"), ErrorKind::not_found);
  EXPECT_EQ(kind(folder_ / "m"), ErrorKind::not_found);
  EXPECT_EQ(kind(folder_ / "m/notes.txt"), ErrorKind::unsupported);
  EXPECT_FALSE(fs::exists(home_.root())) << "looking at a path must not make a store";
}

TEST_F(ModelStoreTest, UnknownNamesGetASuggestion) {
  ModelStore store(home_);
  const Error error = error_of([&] { store.resolve("tyni"); });
  EXPECT_EQ(error.kind(), ErrorKind::not_found);
  EXPECT_TRUE(contains(error.what(), "did you mean tiny?")) << error.what();
  store.set_alias({"meeting-notes", "tiny", {}, {}, {}});
  const Error near = error_of([&] { store.resolve("meeting-note"); });
  EXPECT_TRUE(contains(near.what(), "did you mean meeting-notes?")) << near.what();
}

TEST_F(ModelStoreTest, AliasesBringTheirSettings) {
  ModelStore store(home_);
  write_file(place(), model_bytes());
  Json settings;
  settings["instruction"] = "Summarise: {input} \u4f60\u597d";
  store.set_alias({"notes", "tiny", {}, settings, {}});
  const ResolvedModel model = store.resolve("notes");
  EXPECT_EQ(model.name, "notes");
  EXPECT_EQ(model.base, "tiny");
  EXPECT_EQ(model.path, place());
  EXPECT_EQ(model.settings, settings);
  EXPECT_EQ(store.find_alias("notes")->created.size(), 20u);
  settings["instruction"] = "other";
  store.set_alias({"notes", "tiny", {}, settings, {}});
  EXPECT_EQ(store.resolve("notes").settings, settings);
  EXPECT_EQ(store.aliases().size(), 1u);
}

TEST_F(ModelStoreTest, AliasesStandForArtefactsAndPaths) {
  ModelStore store(home_);
  const std::string key(64, 'a');
  write_file(home_.artefact(key) / "model.gguf", "x");
  store.set_alias({"tuned", "model.gguf", key, {}, {}});
  EXPECT_EQ(store.resolve("tuned").path, home_.artefact(key) / "model.gguf");
  write_file(folder_ / "own.gguf", "x");
  store.set_alias({"own", (folder_ / "own.gguf").string(), {}, {}, {}});
  EXPECT_EQ(store.resolve("own").path, folder_ / "own.gguf");
  fs::remove(folder_ / "own.gguf");
  const Error error = error_of([&] { store.resolve("own"); });
  EXPECT_EQ(error.kind(), ErrorKind::not_found);
  EXPECT_TRUE(contains(error.what(), "not there any more")) << error.what();
}

TEST_F(ModelStoreTest, RefusesNamesThatMeanSomethingElse) {
  ModelStore store(home_);
  for (const char* name : {"", "tiny", "a/b", "x.gguf", "-n", ".x", "\xff"}) {
    EXPECT_EQ(error_of([&] { store.set_alias({name, "tiny", {}, {}, {}}); }).kind(),
              ErrorKind::bad_argument)
        << name;
  }
  store.set_alias({"\u4f1a\u8bae\u7eaa\u8981", "tiny", {}, {}, {}});
  EXPECT_TRUE(store.find_alias("\u4f1a\u8bae\u7eaa\u8981"));
}

TEST_F(ModelStoreTest, ListsModelsAndAliases) {
  ModelStore store(home_);
  store.set_alias({"notes", "tiny", {}, {}, {}});
  std::vector<ModelRow> rows = store.list();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].name, "tiny");
  ASSERT_NE(rows[0].entry, nullptr);
  EXPECT_FALSE(rows[0].path);
  EXPECT_EQ(rows[0].bytes, model_bytes().size());
  EXPECT_EQ(rows[1].name, "notes");
  EXPECT_FALSE(rows[1].path);
  write_file(place(), model_bytes());
  rows = store.list();
  EXPECT_EQ(rows[0].path, place());
  EXPECT_EQ(rows[1].path, place());
  EXPECT_EQ(rows[1].bytes, model_bytes().size());
}

TEST_F(ModelStoreTest, RemovesModelsButNotUnderAnAlias) {
  ModelStore store(home_);
  EXPECT_EQ(error_of([&] { store.remove("tiny"); }).kind(), ErrorKind::not_found);
  EXPECT_EQ(error_of([&] { store.remove("other"); }).kind(), ErrorKind::not_found);
  EXPECT_EQ(error_of([&] { store.remove(place().string()); }).kind(), ErrorKind::bad_argument);
  write_file(place(), model_bytes());
  write_file(part(), "12345");
  store.set_alias({"notes", "tiny", {}, {}, {}});
  const Error error = error_of([&] { store.remove("tiny"); });
  EXPECT_EQ(error.kind(), ErrorKind::bad_argument);
  EXPECT_TRUE(contains(error.what(), "pomona rm notes")) << error.what();
  EXPECT_TRUE(fs::exists(place()));
  EXPECT_EQ(store.remove("notes"), 0u);
  EXPECT_EQ(store.remove("tiny"), model_bytes().size() + 5);
  EXPECT_FALSE(fs::exists(place().parent_path()));
}

TEST_F(ModelStoreTest, WhatCannotBeLookedAtIsAnIoError) {
  ModelStore store(home_);
  fs::create_directories(home_.models());
  fs::create_symlink("tiny", home_.models() / "tiny");  // a link to itself
  EXPECT_EQ(error_of([&] { store.resolve("tiny"); }).kind(), ErrorKind::io);
  EXPECT_EQ(error_of([&] { store.list(); }).kind(), ErrorKind::io);
  EXPECT_EQ(error_of([&] { store.remove("tiny"); }).kind(), ErrorKind::io);
  fs::create_symlink("loop.gguf", folder_ / "loop.gguf");
  const std::string own = (folder_ / "loop.gguf").string();
  EXPECT_EQ(error_of([&] { store.resolve(own); }).kind(), ErrorKind::io);
  store.set_alias({"own", own, {}, {}, {}});
  EXPECT_EQ(error_of([&] { store.resolve("own"); }).kind(), ErrorKind::io);
}

TEST_F(ModelStoreTest, ADamagedDatabaseDoesNotHideModels) {
  write_file(place(), model_bytes());
  write_file(home_.database_path(), std::string(9000, 'x'));
  ModelStore store(home_);
  EXPECT_EQ(store.resolve("tiny").path, place());
  const Error error = error_of([&] { store.resolve("notes"); });
  EXPECT_EQ(error.kind(), ErrorKind::bad_file);
  EXPECT_TRUE(contains(error.what(), "move this file away")) << error.what();
}

}  // namespace
}  // namespace pomona::hub
