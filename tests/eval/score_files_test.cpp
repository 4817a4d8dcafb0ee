#include "eval/score_files.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "tests/support/refused.h"

namespace pomona::eval {
namespace {

class ScoreFiles : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(testing::TempDir()) / (std::string("score_files_") + info->name());
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path file(const std::string& name, std::string_view content) const {
    write_file(folder_ / name, content);
    return folder_ / name;
  }

  /// The kind and message of the Error of `f` without this test's folder, or "nothing".
  template <class F>
  std::string refusal(F f) const {
    return replace_all(test::refused(f), folder_.string() + "/", "");
  }

  fs::path folder_;
};

TEST_F(ScoreFiles, JsonHoldsTheContractsFields) {
  const auto predictions = file("p.txt", "the cat sat\n\na dog\n");
  const auto references = file("r.txt", "the cat sat\nnothing\na dog ran away");
  const ScoredTexts scored = score_files("rouge", {}, predictions, references);
  const Json json = to_json(scored, false);
  EXPECT_EQ(json["n"], 3);
  EXPECT_EQ(json["signature"],
            "rouge|tok:a-z0-9|stem:no|lsum:newline|score:f1|as:rouge-score-0.1.2|bootstrap:1000|"
            "level:0.95|seed:1");
  EXPECT_EQ(json.size(), 6u);
  for (const char* name : {"rouge1", "rouge2", "rougeL", "rougeLsum"}) {
    ASSERT_EQ(json[name].size(), 3u) << name;
    EXPECT_LE(json[name]["low"], json[name]["mean"]);
    EXPECT_LE(json[name]["mean"], json[name]["high"]);
  }
  EXPECT_NEAR(json["rouge1"]["mean"].get<double>(), (1 + 0 + 2.0 / 3) / 3, 1e-15);

  const Json items = to_json(scored, true)["items"];
  ASSERT_EQ(items.size(), 3u);
  EXPECT_EQ(items[0]["rougeL"], 1.0);
  EXPECT_EQ(items[1]["rouge1"], 0.0);
  EXPECT_NEAR(items[2]["rouge2"].get<double>(), 0.5, 1e-15);  // 1 of 1 and 1 of 3 pairs
}

TEST_F(ScoreFiles, JsonLinesGiveTheSameAsLines) {
  const auto lines = read_texts(file("a.txt", "one\r\n\r\n \xE4\xB8\xAD\r\n"));
  EXPECT_EQ(lines, (std::vector<std::string>{"one", "", " 中"}));
  const std::string json =
      "{\"text\": \"one\"}\n{\"id\": 7, \"text\": \"\"}\n{\"text\": \" \\u4e2d\"}";
  EXPECT_EQ(read_texts(file("a.jsonl", json)), lines);
  EXPECT_EQ(read_texts(file("a.out", "\uFEFF" + json)), lines);
  EXPECT_EQ(read_texts(file("b.txt", json)).front(), "{\"text\": \"one\"}");
  EXPECT_EQ(read_texts(file("b.out", "{not json\n")).front(), "{not json");
  EXPECT_EQ(read_texts(file("two.jsonl", R"({"text": "a\nb"})")).front(), "a\nb");
}

TEST_F(ScoreFiles, BadFilesAreErrorsWithTheRow) {
  const auto error = [&](const std::string& name, std::string_view content) {
    const auto path = file(name, content);
    return refusal([&] { read_texts(path); });
  };
  EXPECT_EQ(error("a.txt", "good\nb\xFFx\n"),
            "bad_file: a.txt: row 2: not valid UTF-8 at byte 6 of the file");
  EXPECT_EQ(error("a.jsonl", "{\"text\": \"x\"}\n{\"text\": }\n"),
            "bad_file: a.jsonl: row 2: not valid JSON at byte 10");
  EXPECT_EQ(error("b.jsonl", "{\"text\": \"x\"}\n\n{\"text\": \"y\"}\n"),
            "bad_file: b.jsonl: row 2: not valid JSON at byte 1");
  for (const char* row : {"{\"txt\": \"x\"}", "{\"text\": 3}", "[\"text\"]", "\"text\""}) {
    EXPECT_EQ(error("c.jsonl", row),
              "bad_file: c.jsonl: row 1: not an object with a string \"text\"");
  }
}

TEST_F(ScoreFiles, FilesMustFitTogether) {
  const auto one = file("one.txt", "a\n"), two = file("two.txt", "a\nb\n"),
             none = file("none.txt", "");
  EXPECT_EQ(refusal([&] { score_files("rouge", {}, one, two); }),
            "bad_argument: score: one.txt has 1 rows, but two.txt has 2");
  EXPECT_EQ(refusal([&] { score_files("rouge", {}, none, none); }),
            "bad_file: score: none.txt and none.txt have no rows");
  const auto kind_without = [&](std::string_view metric) {
    return test::error_of([&] { score_files(metric, {}, one, folder_ / "absent.txt"); }).kind();
  };
  EXPECT_EQ(kind_without("rouge"), ErrorKind::not_found);
  EXPECT_EQ(kind_without("rogue"), ErrorKind::bad_argument);  // before the file is looked for
}

TEST_F(ScoreFiles, ChineseNamesRowAndOption) {
  const auto predictions = file("p.txt", "ok\n很好\n"), references = file("r.txt", "ok\n不错\n");
  EXPECT_EQ(refusal([&] { score_files("rouge", {}, predictions, references); }),
            "bad_argument: rouge: the reference in row 2 has none of the letters a-z and digits "
            "0-9 that its words are made of; for Chinese and other scripts use --characters");
  metric::MetricOptions characters;
  characters.characters = true;
  const ScoredTexts scored = score_files("rouge", characters, predictions, references);
  EXPECT_EQ(scored.scores[0].score.items, (std::vector<double>{1, 0}));
}

}  // namespace
}  // namespace pomona::eval
