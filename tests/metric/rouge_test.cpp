#include "metric/rouge.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "base/json.h"
#include "tests/support/refused.h"

namespace pomona::metric {
namespace {

/// The kind and message with which ROUGE refuses these texts, or "nothing".
std::string refusal(const MetricOptions& options, const std::vector<std::string>& predictions,
                    const std::vector<std::string>& references) {
  return test::refused([&] { score("rouge", options, predictions, references); });
}

void expect_equal(const PrecisionRecall& score, const Json& golden, const std::string& where) {
  constexpr double kBound = 1e-15;  // the same few operations in the same order
  EXPECT_NEAR(score.precision, golden[0].get<double>(), kBound) << where;
  EXPECT_NEAR(score.recall, golden[1].get<double>(), kBound) << where;
  EXPECT_NEAR(score.f1, golden[2].get<double>(), kBound) << where;
}

TEST(Rouge, EqualsTheReferencePackage) {
  const Json golden = read_json(POMONA_SOURCE_DIR "/tests/golden/rouge.json");
  ASSERT_GT(golden["rows"].size(), 90u);
  for (const Json& row : golden["rows"]) {
    for (const char* form : {"plain", "stemmed"}) {
      if (!row.contains(form)) continue;
      MetricOptions options;
      options.stemmer = std::string_view(form) == "stemmed";
      const RougeScores scores =
          rouge(row["prediction"].get<std::string>(), row["reference"].get<std::string>(), options);
      const std::string where = row.dump() + " " + form;
      expect_equal(scores.rouge1, row[form]["rouge1"], where);
      expect_equal(scores.rouge2, row[form]["rouge2"], where);
      expect_equal(scores.rouge_l, row[form]["rougeL"], where);
      expect_equal(scores.rouge_lsum, row[form]["rougeLsum"], where);
    }
  }
}

TEST(Rouge, ScoresCharactersOfChinese) {
  MetricOptions options;
  options.characters = true;
  // 今天天气很好 (6) against 今天天气不错 (6): 4 common characters, pairs 今天 天天 天气 of 5.
  const RougeScores scores = rouge("今天天气很好。", "今天 天气不错！", options);
  EXPECT_NEAR(scores.rouge1.f1, 4.0 / 6, 1e-15);
  EXPECT_NEAR(scores.rouge2.f1, 3.0 / 5, 1e-15);
  EXPECT_NEAR(scores.rouge_l.f1, 4.0 / 6, 1e-15);
  EXPECT_EQ(rouge("ＧＰＴ４", "gpt4", options).rouge1.f1, 1);  // full width
  EXPECT_EQ(rouge("हिंदी", "हद", options).rouge1.recall, 1);    // vowel signs are tokens too
  EXPECT_NEAR(rouge("हिंदी", "हद", options).rouge1.precision, 2.0 / 5, 1e-15);
}

TEST(Rouge, TextsWithoutWordsAreErrorsThatNameRowAndOption) {
  const MetricOptions plain;
  EXPECT_EQ(refusal(plain, {"good", "好"}, {"good", "很好"}),
            "bad_argument: rouge: the reference in row 2 has none of the letters a-z and digits "
            "0-9 that its words are made of; for Chinese and other scripts use --characters");
  EXPECT_EQ(refusal(plain, {"хорошо"}, {"good"}),
            "bad_argument: rouge: the prediction in row 1 has none of the letters a-z and digits "
            "0-9 that its words are made of; for Chinese and other scripts use --characters");
  EXPECT_EQ(refusal(plain, {"", "!?", "😀"}, {"", "...", "😀"}), "nothing");  // no letters: score 0

  MetricOptions lenient;
  lenient.foreign_prediction_scores_zero = true;
  EXPECT_EQ(refusal(lenient, {"好"}, {"good"}), "nothing");
  EXPECT_TRUE(
      refusal(lenient, {"good"}, {"好"}).starts_with("bad_argument: rouge: the reference "));

  MetricOptions characters;
  characters.characters = true;
  EXPECT_EQ(refusal(characters, {"好"}, {"很好"}), "nothing");
}

TEST(Rouge, SignaturesDifferWhereNumbersDo) {
  MetricOptions plain, stemmed, characters;
  stemmed.stemmer = true;
  characters.characters = true;
  EXPECT_EQ(signature("rouge", plain),
            "rouge|tok:a-z0-9|stem:no|lsum:newline|score:f1|as:rouge-score-0.1.2");
  EXPECT_EQ(signature("rouge", stemmed),
            "rouge|tok:a-z0-9|stem:porter-nltk|lsum:newline|score:f1|as:rouge-score-0.1.2");
  EXPECT_TRUE(signature("rouge", characters).starts_with("rouge|tok:characters-nfkc-casefold|"));
}

TEST(Rouge, LongTextsNeedNoQuadraticTable) {
  std::string text;
  for (int i = 0; i < 4000; ++i) text += std::to_string(i % 97) + ' ';
  const RougeScores scores = rouge(text, text, {});
  EXPECT_EQ(scores.rouge_l.f1, 1);
  EXPECT_EQ(scores.rouge_lsum.f1, 1);
}

}  // namespace
}  // namespace pomona::metric
