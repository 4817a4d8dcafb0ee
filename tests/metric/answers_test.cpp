// Exact match and token F1 against torchmetrics' SQuAD (tools/oracle/squad_golden.py).
#include <gtest/gtest.h>

#include "base/json.h"
#include "metric/metric.h"
#include "metric/squad.h"
#include "metric/token_f1.h"

namespace pomona::metric {
namespace {

TEST(Answers, EqualTheReference) {
  const Json golden = read_json(POMONA_SOURCE_DIR "/tests/golden/squad.json");
  std::vector<std::string> predictions, references;
  for (const Json& row : golden["rows"]) {
    predictions.push_back(row["prediction"].get<std::string>());
    references.push_back(row["reference"].get<std::string>());
    EXPECT_EQ(normalise_answer(predictions.back()), row["normalised"][0].get<std::string>());
    EXPECT_EQ(normalise_answer(references.back()), row["normalised"][1].get<std::string>());
  }
  const auto exact = score("exact_match", {}, predictions, references);
  const auto f1 = score("token_f1", {}, predictions, references);
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    const Json& row = golden["rows"][i];
    EXPECT_EQ(exact[1].items[i], row["exact"].get<double>()) << row;
    EXPECT_NEAR(f1[0].items[i], row["f1"].get<double>(), 4 * 0x1p-24) << row;  // f32: 4 roundings
  }
}

TEST(Answers, StrictMatchForgivesOnlyTheEnds) {
  const std::vector<std::string> predictions = {" yes\n", "Yes", "yes.", ""};
  const std::vector<std::string> references = {"yes", "yes", "yes", ""};
  const auto scores = score("exact_match", {}, predictions, references);
  EXPECT_EQ(scores[0].name, "exact_match");
  EXPECT_EQ(scores[0].items, (std::vector<double>{1, 0, 0, 1}));
  EXPECT_EQ(scores[1].name, "exact_match_normalised");
  EXPECT_EQ(scores[1].items, (std::vector<double>{1, 1, 1, 1}));
}

TEST(Answers, TokenF1CountsRepeatedTokensOnceEach) {
  // be be or | be be be: 2 common; 2/3 and 2/3.
  EXPECT_NEAR(token_f1("be be or", "be be be", false), 2.0 / 3, 1e-15);
  EXPECT_EQ(token_f1("中文", "中国", false), 0);  // one word each
  EXPECT_NEAR(token_f1("中文", "中国", true), 0.5, 1e-15);
}

}  // namespace
}  // namespace pomona::metric
