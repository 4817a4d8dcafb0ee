// The page of a run: what is drawn and told, whatever the log holds.
#include "train/curves.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/file.h"
#include "tests/support/html.h"
#include "tests/support/temp_folder.h"
#include "train/metrics.h"

namespace pomona::train {
namespace {

std::vector<Json> sample_log() {
  std::vector<Json> records;
  for (std::int64_t step = 1; step <= 4; ++step) {
    const double loss = 4 - static_cast<double>(step) / 2;
    records.push_back(to_json(StepMetrics{step, 0.5, loss, 1e-4, 0.75, 100, 30, 0.5}));
  }
  EvaluationMetrics evaluation{2, 3.25, {{"notes", 3.5}, {"<sums>", 3}}, 5.0, 0.125, true, 1};
  records.push_back(to_json(evaluation));
  return records;
}

TEST(Curves, SmoothingIsAMeanOfWhatCame) {
  const std::vector<double> means = smoothed({2, NAN, 4, 4}, 2);
  EXPECT_EQ(means[0], 2);
  EXPECT_EQ(means[1], 2);
  EXPECT_DOUBLE_EQ(means[2], (0.25 * 2 + 0.5 * 4) / 0.75);
  EXPECT_DOUBLE_EQ(means[3], (0.125 * 2 + 0.25 * 4 + 0.5 * 4) / 0.875);
  EXPECT_EQ(smoothed({1, 5}, 1), (std::vector<double>{1, 5}));
}

TEST(Curves, ThePageStandsAloneAndTellsTheRun) {
  const std::string html = curves_html("<run>", sample_log(), {{"settings", {{"a", "<b>"}}}});
  test::expect_page_alone(html);
  for (const std::string_view part :
       {"<h1>&lt;run&gt;</h1>", "Loss of a supervised token", "Loss on the valid rows of each set",
        "Forgetting: loss on general text", "Learning rate", "Norm of the gradient", "Speed",
        "<th>steps</th><td>4</td>",
        "3.5000 at first, 2.0000 at last <small>smoothed over 1 steps</small>",
        "<td>400 <small>120 of them supervised</small></td>", "3.2500 after step 2",
        "<th>&lt;sums&gt;</th>", "<td><b>3.2500</b></td><td>3.5000</td><td>3.0000</td>",
        "<td>5.0000</td><td>0.1250</td>", "<th>a</th><td>&lt;b&gt;</td>"})
    EXPECT_NE(html.find(part), std::string::npos) << part;
}

TEST(Curves, AnEmptyOrBrokenLogIsNoFault) {
  for (const std::vector<Json>& records :
       {std::vector<Json>{}, std::vector<Json>{Json(3), Json::array()},
        std::vector<Json>{{{"step", "x"}, {"loss", nullptr}}},
        std::vector<Json>{{{"eval_loss", nullptr}, {"sets", 3}}}})
    test::expect_page_alone(curves_html("x", records));
  EXPECT_NE(curves_html("x", {}).find("Nothing has been measured yet."), std::string::npos);
}

TEST(Curves, IsNamedAfterTheFolder) {
  const test::TempFolder folder;
  make_folder(folder / "notes");
  MetricsLog(folder / "notes/metrics.jsonl", 0).add(StepMetrics{.step = 1});
  write_curves(folder / "notes/curves.html", folder / "notes/metrics.jsonl");
  EXPECT_NE(read_file(folder / "notes/curves.html").find("<h1>notes</h1>"), std::string::npos);
}

}  // namespace
}  // namespace pomona::train
