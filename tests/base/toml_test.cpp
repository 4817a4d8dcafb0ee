// The TOML reader: values, overrides, and what each fault says.
#include "base/toml.h"

#include <gtest/gtest.h>

#include "tests/support/refused.h"

namespace pomona {
namespace {

using test::refused;

constexpr std::string_view kText = R"(
[app]
name = "notes"
[prompt]
shots = [0, 1, 4]
[tune.lora]
method.rank = 16
rate = 2
[[source]]
kind = "hub"
[[source]]
kind = "pip"
)";

TomlTable sample() { return TomlTable::parse(kText, "app.toml"); }

TEST(Toml, ReadsEachType) {
  const TomlTable root = TomlTable::parse(
      "b = true\ni = -3\nd = 2\ne = 0.5\ns = \"\u4f60\u597d\"\nl = [\"a\", \"b\"]\nn = [1, 2.5]",
      "t");
  EXPECT_TRUE(root.get<bool>("b"));
  EXPECT_EQ(root.get<int>("i"), -3);
  EXPECT_EQ(root.get<std::int64_t>("i"), -3);
  EXPECT_EQ(root.get<double>("d"), 2.0);
  EXPECT_EQ(root.get<double>("e"), 0.5);
  EXPECT_EQ(root.get<std::string>("s"), "\u4f60\u597d");
  EXPECT_EQ(root.get<std::vector<std::string>>("l"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(root.get<std::vector<double>>("n"), (std::vector<double>{1, 2.5}));
  EXPECT_EQ(root.get<int>("absent", 7), 7);
  EXPECT_FALSE(root.find<std::string>("nothing"));
  root.finish();
}

TEST(Toml, ReadsTablesAndForgivesAbsentOnes) {
  const TomlTable root = sample();
  EXPECT_EQ(root.table("app").get<std::string>("name"), "notes");
  EXPECT_EQ(root.table("prompt").get<std::vector<std::int64_t>>("shots"),
            (std::vector<std::int64_t>{0, 1, 4}));
  EXPECT_EQ(root.table("tune").table("lora").table("method").get<int>("rank"), 16);
  EXPECT_EQ(root.table("tune").table("lora").get<double>("rate"), 2.0);
  EXPECT_EQ(root.table("gate").get<double>("significance", 0.05), 0.05);
  ASSERT_EQ(root.tables("source").size(), 2u);
  EXPECT_EQ(root.tables("source")[0].get<std::string>("kind"), "hub");
  EXPECT_EQ(root.tables("source")[1].get<std::string>("kind"), "pip");
  root.finish();
}

TEST(Toml, UnknownKeysAreErrorsWithTheNearestKnownOne) {
  const TomlTable root = TomlTable::parse("[prompt]\nshots = [1]\ninstrction = \"x\"", "app.toml");
  root.table("prompt").find<std::string>("instruction");
  root.table("prompt").find<std::vector<std::int64_t>>("shots");
  EXPECT_EQ(refused([&] { root.finish(); }),
            "bad_argument: app.toml:3: [prompt] unknown key \"instrction\"; did you mean "
            "\"instruction\"?");
}

TEST(Toml, AMisspeltKeyIsTheFaultNotTheOneThatIsMissing) {
  const TomlTable root = TomlTable::parse("[app]\nnaem = \"x\"\n[promt]\nshots = [1]", "app.toml");
  EXPECT_EQ(refused([&] { root.table("app").get<std::string>("name"); }),
            "bad_argument: app.toml:2: [app] unknown key \"naem\"; did you mean \"name\"?");
  EXPECT_EQ(refused([&] { root.table("prompt").get<std::string>("instruction"); }),
            "bad_argument: app.toml:3: unknown key \"promt\"; did you mean \"prompt\"?");
  EXPECT_EQ(refused([&] { root.table("app").get<std::string>("title"); }),
            "bad_argument: app.toml:1: [app] title: is missing; expected a text in quotes");
  root.table("app").has("naem");  // known after all
  EXPECT_EQ(refused([&] { root.table("app").missing("name", "it is needed"); }),
            "bad_argument: app.toml:1: [app] name: is missing; it is needed");
}

TEST(Toml, UnknownTablesListWhatIsKnown) {
  const TomlTable root = TomlTable::parse("[zzzzzzzz]\nx = 1", "app.toml");
  root.table("app");
  root.table("data");
  EXPECT_EQ(refused([&] { root.finish(); }),
            "bad_argument: app.toml:1: unknown key \"zzzzzzzz\"; known here: app, data");
}

TEST(Toml, UnknownKeysInListedTablesAreFound) {
  const TomlTable root = sample();
  root.table("app").get<std::string>("name");
  root.table("prompt").has("shots");
  root.table("tune").table("lora").has("rate");
  root.table("tune").table("lora").table("method").has("rank");
  for (const TomlTable& source : root.tables("source")) source.has("sort");
  EXPECT_EQ(refused([&] { root.finish(); }),
            "bad_argument: app.toml:10: [source] unknown key \"kind\"; known here: sort");
}

TEST(Toml, WrongTypesNameLineTableAndKey) {
  const TomlTable root = sample();
  EXPECT_EQ(refused([&] { root.table("prompt").get<int>("shots"); }),
            "bad_argument: app.toml:5: [prompt] shots: expected a whole number of at most 31 bits, "
            "found a list");
  EXPECT_EQ(refused([&] { root.table("app").get<std::vector<std::string>>("name"); }),
            "bad_argument: app.toml:3: [app] name: expected a list of texts, found a text");
  EXPECT_EQ(refused([&] { root.table("app").table("name"); }),
            "bad_argument: app.toml:3: [app] name: expected a table, found a text");
  EXPECT_EQ(refused([&] { root.tables("app"); }),
            "bad_argument: app.toml:2: app: expected [[app]], found a table");
  EXPECT_EQ(refused([&] { root.table("app").get<std::string>("title"); }),
            "bad_argument: app.toml:2: [app] title: is missing; expected a text in quotes");
  EXPECT_EQ(refused([&] { root.table("data").get<std::string>("train"); }),
            "bad_argument: app.toml: [data] train: is missing; expected a text in quotes");
}

TEST(Toml, IntegersOutsideTheTypeAreRefused) {
  const TomlTable root = TomlTable::parse("n = 4294967296", "t");
  EXPECT_EQ(root.get<std::int64_t>("n"), std::int64_t{1} << 32);
  EXPECT_THROW(root.get<int>("n"), Error);
}

TEST(Toml, SyntaxErrorsHaveALineAndTheCallersKind) {
  const std::string message =
      refused([] { TomlTable::parse("a = 1\nb = = 2", "models/x.toml", ErrorKind::bad_file); });
  EXPECT_TRUE(message.starts_with("bad_file: models/x.toml:2: not valid TOML: ")) << message;
  EXPECT_THROW(TomlTable::parse("a = \"\xff\"", "t"), Error);
  EXPECT_EQ(refused([] { TomlTable::read("/nonexistent/app.toml"); }),
            "not_found: read: /nonexistent/app.toml: No such file or directory");
}

TEST(Toml, OverridesReplaceAddAndFallBackToText) {
  TomlTable root = sample();
  root.set("tune.lora.method.rank", "32");
  root.set("serve.port", "8080");
  root.set("app.name", "two words");
  root.set("prompt.shots", "[2]");
  EXPECT_EQ(root.table("tune").table("lora").table("method").get<int>("rank"), 32);
  EXPECT_EQ(root.table("serve").get<int>("port"), 8080);
  EXPECT_EQ(root.table("app").get<std::string>("name"), "two words");
  EXPECT_EQ(root.table("prompt").get<std::vector<std::int64_t>>("shots"),
            (std::vector<std::int64_t>{2}));
}

TEST(Toml, FaultyOverridesSayWhereTheyComeFrom) {
  TomlTable root = sample();
  root.set("prompt.shots", "many");
  EXPECT_EQ(refused([&] { root.table("prompt").get<std::vector<std::int64_t>>("shots"); }),
            "bad_argument: --set prompt.shots=many: [prompt] shots: expected a list of whole "
            "numbers, found a text");
  EXPECT_EQ(refused([&] { root.set("app.name.first", "x"); }),
            "bad_argument: --set: app.name.first: \"name\" is a text, not a table");
  EXPECT_EQ(refused([&] { root.set("app..x", "x"); }),
            "bad_argument: --set: \"app..x\" is no dotted key such as tune.lora.rank");
  root.set("app.naem", "x");
  root.table("app").has("name");
  for (const char* key : {"prompt", "tune", "source"}) root.has(key);
  EXPECT_EQ(refused([&] { root.finish(); }),
            "bad_argument: --set app.naem=x: [app] unknown key \"naem\"; did you mean \"name\"?");
  TomlTable other = sample();
  other.set("ap.name.first", std::string(100, 'x'));
  for (const char* key : {"app", "prompt", "tune", "source"}) other.has(key);
  EXPECT_EQ(refused([&] { other.finish(); }),
            "bad_argument: --set ap.name.first: unknown key \"ap\"; did you mean \"app\"?");
}

}  // namespace
}  // namespace pomona
