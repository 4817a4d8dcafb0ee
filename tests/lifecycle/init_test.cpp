// `init`: what it makes of a data file runs, and nothing of the user's is replaced.
#include "lifecycle/init.h"

#include <algorithm>
#include <set>

#include "lifecycle/app_file.h"
#include "lifecycle/data.h"
#include "tests/lifecycle/fixture.h"

namespace pomona::lifecycle {
namespace {

class InitTest : public LifecycleTest {
 protected:
  /// 40 rows, of which two pairs have the same text.
  void write_csv() const {
    std::string text = "id,article,summary\r\n";
    for (int i = 0; i < 40; ++i) {
      const int number = i == 7 ? 6 : i == 30 ? 2 : i;
      text += fmt::format(
          "{},\"A long article, number {}, with \"\"quotes\"\" and\nlines.\",Short {}\r\n", i,
          number, i);
    }
    write_file(data_, text);
  }

  fs::path data_ = folder_ / "own/news.csv";
};

TEST_F(InitTest, MakesAnApplicationThatRuns) {
  write_csv();
  const InitOutcome made = init_application(data_);
  EXPECT_EQ(made.path, folder_ / "own/app.toml");
  EXPECT_EQ(made.rows, 40u);
  EXPECT_EQ(made.use_case, "summarize");
  EXPECT_EQ(made.language, "en");
  EXPECT_EQ(made.train + made.valid + made.test, 40u);
  ASSERT_EQ(made.columns.size(), 3u);
  EXPECT_EQ(made.columns[1].role, "input");
  EXPECT_EQ(made.columns[2].role, "output");
  EXPECT_EQ(made.columns[2].filled, 40u);
  const AppFile app = read_app_file(made.path);
  EXPECT_EQ(app.input, "article");
  EXPECT_EQ(app.output, "summary");
  EXPECT_EQ(app.base, "auto");
  EXPECT_EQ(app.alias, "news");
  std::set<std::string> train, later;
  for (const Row& row : read_rows(app.train, app.input, app.output).rows) train.insert(row.input);
  for (const fs::path& file : {app.valid, app.test}) {
    for (const Row& row : read_rows(file, app.input, app.output).rows) {
      EXPECT_FALSE(train.contains(row.input)) << row.input;
      later.insert(row.input);
    }
  }
  EXPECT_EQ(train.size() + later.size(), 38u);  // every different text is somewhere

  RunOptions with = options();
  with.set = {{"model.base", (folder_ / "app/model.gguf").string()},
              {"prompt.instruction", "Text: {input}"}};
  const RunOutcome outcome = run_application(made.path, with, no_progress(), stop_);
  EXPECT_FALSE(outcome.failure) << outcome.failure->what();
}

TEST_F(InitTest, TheSameFileGivesTheSameSplits) {
  write_csv();
  init_application(data_);
  const std::string first = read_file(folder_ / "own/news-test.csv");
  InitOptions again;
  again.force = true;
  init_application(data_, again);
  EXPECT_EQ(read_file(folder_ / "own/news-test.csv"), first);
}

TEST_F(InitTest, ReplacesNothingUnlessTold) {
  write_csv();
  write_file(folder_ / "own/app.toml", "mine");
  const Error there = error_of([&] { init_application(data_); });
  EXPECT_EQ(there.what(), "init: " + (folder_ / "own/app.toml").string() +
                              " is there already; --force replaces it");
  EXPECT_EQ(there.kind(), ErrorKind::bad_argument);
  fs::remove(folder_ / "own/app.toml");
  write_file(folder_ / "own/news-valid.csv", "mine");
  EXPECT_EQ(error_of([&] { init_application(data_); }).kind(), ErrorKind::bad_argument);
  EXPECT_FALSE(fs::exists(folder_ / "own/app.toml"));
  EXPECT_FALSE(fs::exists(folder_ / "own/news-train.csv"));
  EXPECT_EQ(read_file(folder_ / "own/news-valid.csv"), "mine");
}

TEST_F(InitTest, UsesSplitsThatLieSideBySide) {
  const InitOutcome made = [&] {
    fs::remove(app_);
    return init_application(folder_ / "app/train.jsonl");
  }();
  EXPECT_EQ(made.written, std::vector<fs::path>{folder_ / "app/app.toml"});
  EXPECT_EQ(made.test, 20u);
  const AppFile app = read_app_file(made.path);
  EXPECT_EQ(app.test, folder_ / "app/test.jsonl");
  EXPECT_EQ(app.name, "app");  // the folder's name says more than "train"
}

struct Guess {
  std::string_view name;
  std::string_view columns;  // "input,output"
  std::string_view row;      // {} is the row's number
  std::string_view use_case, language, input;
};
void PrintTo(const Guess& guess, std::ostream* out) { *out << guess.name; }

class InitGuesses : public InitTest, public ::testing::WithParamInterface<Guess> {};

TEST_P(InitGuesses, FromNamesAndTexts) {
  const Guess& guess = GetParam();
  std::string text = std::string(guess.columns) + "\n";
  for (int i = 0; i < 40; ++i)
    text += replace_all(replace_all(guess.row, "{}", std::to_string(i)), "{label}",
                        i % 2 == 0 ? "good" : "bad") +
            "\n";
  write_file(data_, text);
  const InitOutcome made = init_application(data_);
  EXPECT_EQ(made.use_case, guess.use_case);
  EXPECT_EQ(made.language, guess.language);
  const AppFile app = read_app_file(made.path);
  EXPECT_EQ(app.input, guess.input);
  // "auto" would find no model for a language that the catalogue does not have, and the file would
  // not run: it names the smallest that follows instructions.
  const bool known = guess.language != "und";
  EXPECT_EQ(app.base, known ? "auto" : "smollm2-135m");
  EXPECT_EQ(made.notes.empty(), known);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, InitGuesses,
    ::testing::Values(
        Guess{"labels", "review,sentiment", "It was film {} and I sat there,{label}", "analyze",
              "en", "review"},
        Guess{"questions", "question,answer", "What is the number {}?,{}", "answer", "en",
              "question"},
        Guess{"unknown_names", "x,y", "short {},a much longer text with the number {}", "summarize",
              "en", "y"},
        Guess{"chinese", "text,summary", "\u4eca\u5929\u5929\u6c14\u5f88\u597d\u5417{},\u597d{}",
              "summarize", "zh", "text"},
        Guess{"arabic", "text,summary",
              "\u0627\u0644\u0637\u0642\u0633 \u062c\u0645\u064a\u0644 {} "
              "\u0627\u0644\u064a\u0648\u0645,\u062c\u0645\u064a\u0644{}",
              "summarize", "ar", "text"},
        Guess{"cherokee", "text,summary",
              "\u13a3\u13cf\u13af \u13a3\u13cf\u13af \u13a3\u13cf\u13af {},\u13a3\u13cf{}",
              "summarize", "und", "text"},
        Guess{"translation", "source,target", "the weather is fine {},\u5929\u6c14\u5f88\u597d{}",
              "translate", "zh", "source"}),
    [](const auto& case_) { return std::string(case_.param.name); });

TEST_F(InitTest, NamesAModelWhereAutoWouldFindNone) {
  const auto note_of = [&](std::string_view word, const std::string& use_case) {
    std::string text = "text,summary\n";
    for (int i = 0; i < 40; ++i) text += fmt::format("{0} {0} {0} {0} {1},{0} {1}\n", word, i);
    write_file(data_, text);
    InitOptions options;
    options.force = true;
    options.use_case = use_case;
    const InitOutcome made = init_application(data_, options);
    EXPECT_EQ(made.notes.size(), 1u);
    return made.notes.empty() ? "" : made.notes.front();
  };
  EXPECT_EQ(note_of("\u09ac\u09be\u0982\u09b2\u09be", "summarize"),
            "\"auto\" would take no model of the catalogue for use case summarize in language bn: "
            "app.toml names qwen3-0.6b, which needs a greater max_new_tokens, since it writes its "
            "thoughts down first; put a model of your own there as [model] base");
  EXPECT_EQ(read_app_file(data_.parent_path() / "app.toml").base, "qwen3-0.6b");
  EXPECT_EQ(note_of("word", "imagine"),
            "\"auto\" would take no model of the catalogue for use case imagine in language en: "
            "app.toml names smollm2-135m, which was not made for that; put a model of your own "
            "there as [model] base");
}

/// Rows whose outputs are `labels` different ones, each four times.
std::string labelled_rows(int labels) {
  std::string text = "review,sentiment\n";
  for (int i = 0; i < 4 * labels; ++i)
    text += fmt::format("It was film number {} and I sat there,label{}\n", i, i % labels);
  return text;
}

TEST_F(InitTest, ListsAllLabelsOrNone) {
  InitOptions options;
  options.use_case = "analyze";
  options.force = true;
  for (const int labels : {3, 30, 100}) {
    write_file(data_, labelled_rows(labels));
    const InitOutcome made = init_application(data_, options);
    const std::string instruction = read_app_file(made.path).instruction;
    EXPECT_EQ(static_cast<int>(std::ranges::count(instruction, ',')), labels - 1) << instruction;
    for (int i = 0; i < labels; ++i)
      EXPECT_NE(instruction.find(fmt::format("label{}", i)), std::string::npos) << i;
    EXPECT_TRUE(made.notes.empty());
  }
  write_file(data_, labelled_rows(101));
  const InitOutcome made = init_application(data_, options);
  EXPECT_EQ(read_app_file(made.path).instruction,
            "Label the following text in a few words.\n\n{input}");
  EXPECT_EQ(made.notes, std::vector<std::string>{
                            "the different values of \"sentiment\" are too many to list in the "
                            "instruction; add there what the model should know of them"});
}

TEST_F(InitTest, TheNextCommandCanBePasted) {
  const fs::path data = folder_ / "my data/news.csv";
  write_file(data, labelled_rows(3));
  EXPECT_EQ(
      init_application(data).lines("./pomona").back(),
      fmt::format("Next     ./pomona run '{}' --plan", (folder_ / "my data/app.toml").string()));
}

TEST_F(InitTest, SaysWhatIsWrong) {
  const auto message = [&](const InitOptions& options = {}) {
    return replace_all(error_of([&] { init_application(data_, options); }).what(), data_.string(),
                       "F");
  };
  EXPECT_EQ(message(), "open: F: No such file or directory");
  write_file(data_, "article,summary\n");
  EXPECT_EQ(message(), "init: F: no rows");
  write_file(data_, "article,summary\na,b\n");
  EXPECT_EQ(message(),
            "init: F: too few rows (1) to cut into train, valid and test; at least 10 are needed");
  write_file(data_, "article\na\n");
  EXPECT_EQ(message(),
            "init: F: found no two columns of text, one to read and one to write, only "
            "\"article\"");
  write_file(data_, "article;summary\na;b\n");
  EXPECT_EQ(message(),
            "init: F: found no two columns of text, one to read and one to write, only "
            "\"article;summary\"; the fields seem to be separated by \";\", not by commas: save "
            "the file with commas");
  write_csv();
  InitOptions options;
  options.input = "artikle";
  EXPECT_EQ(message(options),
            "init: F has no column \"artikle\", did you mean \"article\"?; it has: id, article, "
            "summary");
  options.use_case = "sumarize";
  EXPECT_EQ(error_of([&] { init_application(data_, options); }).kind(), ErrorKind::bad_argument);
  EXPECT_FALSE(fs::exists(folder_ / "own/app.toml"));
}

}  // namespace
}  // namespace pomona::lifecycle
