// The application file: what is read, and what each fault says.
#include "lifecycle/app_file.h"

#include "tests/lifecycle/app_file_exercise.h"
#include "tests/lifecycle/fixture.h"
#include "tests/support/corpus.h"

namespace pomona::lifecycle {
namespace {

class AppFileTest : public LifecycleTest {
 protected:
  AppFile read(const std::vector<std::pair<std::string, std::string>>& set = {}) {
    return read_app_file(app_, set);
  }
};

TEST_F(AppFileTest, FillsInWhatIsNotSaid) {
  const AppFile app = read();
  EXPECT_EQ(app.base, (folder_ / "app/model.gguf").string());
  EXPECT_EQ(app.train, folder_ / "app/train.jsonl");
  EXPECT_EQ(app.gate_metric, "rougeL");
  EXPECT_EQ(app.significance, 0.05);
  EXPECT_EQ(app.alias, "words");
  EXPECT_EQ(app.language, "en");
  EXPECT_TRUE(app.notes.empty());
}

TEST_F(AppFileTest, OverridesAnyKey) {
  const AppFile app = read({{"app.language", "zh-Hans"},
                            {"model.base", "auto"},
                            {"model.max_memory", "1.5 GiB"},
                            {"model.licences", "[\"MIT\"]"},
                            {"evaluate.limit", "7"},
                            {"prompt.shots", "[2]"},
                            {"serve.port", "8080"}});
  EXPECT_FALSE(app.base_is_path);
  EXPECT_EQ(app.max_memory, 1610612736u);
  EXPECT_EQ(app.licences, std::vector<std::string>{"MIT"});
  EXPECT_EQ(app.limit, 7u);
  EXPECT_EQ(app.shots, (std::vector<std::int64_t>{0, 2}));
  EXPECT_TRUE(app.options_for("rouge").characters);
  EXPECT_FALSE(read().options_for("rouge").characters);
  ASSERT_EQ(app.notes.size(), 2u);
  EXPECT_EQ(app.notes[1],
            "[serve] port 8080: this version has no server yet, so nothing is served");
}

TEST_F(AppFileTest, AcceptsEmptyLists) {
  write_app(std::string(kApp) + "[tune]\nmethods = []\n[compress]\ntypes = []\n");
  EXPECT_EQ(read().name, "words");
}

struct Fault {
  std::string_view name;
  std::string_view from, to;  // replaced in the file; an empty `from` appends
  std::string_view message;   // behind "FILE", the application file's path
  ErrorKind kind = ErrorKind::bad_argument;
};
void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }

class AppFileFaults : public AppFileTest, public ::testing::WithParamInterface<Fault> {};

TEST_P(AppFileFaults, SaysWhatAndWhere) {
  const Fault& fault = GetParam();
  std::string text(kApp);
  if (fault.from.empty())
    text += fault.to;
  else
    text = replace_all(text, fault.from, fault.to);
  write_app(text);
  const Error error = error_of([&] { read(); });
  EXPECT_EQ(replace_all(error.what(), app_.string(), "FILE"), fault.message);
  EXPECT_EQ(name_of(error.kind()), name_of(fault.kind));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, AppFileFaults,
    ::testing::Values(
        Fault{"unknown_key", "use_case", "usecase",
              "FILE:3: [app] unknown key \"usecase\"; did you mean \"use_case\"?"},
        Fault{"unknown_table", "", "[evalute]\nlimit = 3\n",
              "FILE:18: unknown key \"evalute\"; did you mean \"evaluate\"?"},
        Fault{"misspelt_required_key",
              "name =", "naem =", "FILE:2: [app] unknown key \"naem\"; did you mean \"name\"?"},
        Fault{"misspelt_file",
              "test =", "tset =", "FILE:9: [data] unknown key \"tset\"; did you mean \"test\"?"},
        Fault{"misspelt_train", "train =", "trian =",
              "FILE:7: [data] unknown key \"trian\"; did you mean \"train\"?"},
        Fault{"misspelt_table", "[prompt]", "[promt]",
              "FILE:12: unknown key \"promt\"; did you mean \"prompt\"?"},
        Fault{"another_table_is_no_misspelt_one", "[data]", "[gate]\n[eval]",
              "FILE: [data] input: is missing; expected a text in quotes"},
        Fault{"no_name", "name = \"words\"\n", "",
              "FILE:1: [app] name: is missing; expected a text in quotes"},
        Fault{"use_case", "\"summarize\"", "\"sumarize\"",
              "FILE:3: [app] use_case: \"sumarize\" is no use case, did you mean \"summarize\"?; "
              "there are: write, summarize, extract, translate, answer, search, analyze, chat, "
              "imagine"},
        Fault{"no_placeholder", "Text: {input}", "Text:",
              "FILE:13: [prompt] instruction: does not contain {input}, the place of the row's "
              "text"},
        Fault{"negative_shots", "[0, 1, 4]", "[0, -1]",
              "FILE:14: [prompt] shots: -1 is outside 0 to 64"},
        Fault{"shots_twice", "[0, 1, 4]", "[0, 1, 1]",
              "FILE:14: [prompt] shots: 1 stands there twice"},
        Fault{"no_train", "train = \"train.jsonl\"\n", "",
              "FILE:6: [data] train: is missing; the examples in a prompt come from it"},
        Fault{"no_valid", "valid = \"valid.jsonl\"\n", "",
              "FILE:6: [data] valid: is missing; with several methods it picks the best one"},
        Fault{"no_test", "test = \"test.jsonl\"\n", "",
              "FILE:6: [data] test: is missing; expected the file of rows that confirm the result"},
        Fault{"test_is_train", "test.jsonl", "train.jsonl",
              "FILE:9: [data] test: is the same file as another split; rows seen before prove "
              "nothing"},
        Fault{"same_column", "\"start\"", "\"text\"",
              "FILE:11: [data] output: is the same column as the input, \"text\""},
        Fault{"metric", "\"rouge\"", "\"rogue\"",
              "FILE:16: [evaluate] metrics: metric \"rogue\" is not known, did you mean "
              "\"rouge\"?; there are: rouge, exact_match, token_f1"},
        Fault{
            "gate_metric", "", "[gate]\nmetric = \"rougeLsun\"\n",
            "FILE:19: [gate] metric: \"rougeLsun\" is no score of [evaluate] metrics, did you mean "
            "\"rougeLsum\"?; there are: rouge1, rouge2, rougeL, rougeLsum"},
        Fault{"significance", "", "[gate]\nsignificance = 5\n",
              "FILE:19: [gate] significance: 5 is not between 0 and 1"},
        Fault{"memory", "base =", "max_memory = \"2 gigs\"\nbase =",
              "FILE:5: [model] max_memory: \"2 gigs\" is no size such as \"2 GB\" or \"800 MB\""},
        Fault{"alias", "", "[serve]\nalias = \"a/b\"\n",
              "FILE:19: [serve] alias: \"a/b\" is no name for a model: it must not be empty, start "
              "with - or ., contain / or control characters, or end with .gguf"},
        Fault{"tune_twice", "", "[tune]\nmethods = [\"lora\", \"lora\"]\n",
              "FILE:19: [tune] methods: lora stands there twice"},
        Fault{"forgetting", "", "[gate]\nmax_forgetting = -1\n",
              "FILE:19: [gate] max_forgetting: -1 is outside 0 to 100"},
        Fault{"tune_method", "", "[tune]\nmethods = [\"lorra\"]\n",
              "FILE:19: [tune] methods: \"lorra\" is no tuning method, did you mean \"lora\"?; "
              "there are: soft-prompt, prefix, lora, rslora, freeze, full"},
        Fault{"tune_settings", "", "[tune.lora]\nmethod.rank = 0\n",
              "FILE:19: [tune.lora.method] rank: 0 is outside 1 to 65536"},
        Fault{"compress_twice", "", "[compress]\ntypes = [\"Q8_0\", \"Q8_0\"]\n",
              "FILE:19: [compress] types: Q8_0 stands there twice"},
        Fault{"compress_type", "", "[compress]\ntypes = [\"q8_o\"]\n",
              "FILE:19: [compress] types: \"q8_o\" is no type, did you mean \"Q8_0\"?; there "
              "are: Q2_K, Q3_K_S, Q3_K_M, Q3_K_L, IQ4_XS, MXFP4, IQ4_NL, Q4_0, Q4_K_S, Q4_K_M, "
              "Q4_1, Q5_0, Q5_K_S, Q5_K_M, Q5_1, Q6_K, Q8_0, BF16, F16, F32"},
        Fault{"not_toml", "[app]", "[app",
              "FILE:1: not valid TOML: Error while parsing table header: expected ']', saw '\\n'"}),
    [](const auto& case_) { return std::string(case_.param.name); });

TEST(AppFileCorpus, ReplaysWithoutACrash) { test::replay_corpus("app_file", 2, exercise_app_file); }

}  // namespace
}  // namespace pomona::lifecycle
