// Charts: values stand where the axis says.
#include "base/charts.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/html.h"

namespace pomona {
namespace {

TEST(Charts, BarsStandOnTheirAxis) {
  const std::string chart = bar_chart("t", {{"m", 20, 10, 40, "base"}});
  // 0 to 40 in steps of 10: 20 is in the middle, the interval from a quarter to the end.
  EXPECT_NE(chart.find("width=\"50.00\" height=\"16\""), std::string::npos);
  EXPECT_NE(chart.find("x1=\"25.00\" x2=\"100.00\" y1=\"12\""), std::string::npos);
  EXPECT_NE(chart.find("<span style=\"left:75.00%\">30</span>"), std::string::npos);
  const std::string difference = difference_chart("t", {{"m", -0.5, -1, 1, ""}});
  EXPECT_NE(difference.find("<span style=\"left:50.00%\">0.0</span>"), std::string::npos);
  EXPECT_NE(difference.find("<span class=\"value\">-0.5</span>"), std::string::npos);
  EXPECT_FALSE(bar_chart("t", {{"m", 0, 0, 0, ""}}).empty());  // nothing right is no division by 0
}

TEST(Charts, LinesStandOnTheirAxes) {
  const std::string chart =
      line_chart("a < b", "step", {{"x", {{1, 0}, {2, 10}, {5, 40}}, ""}, {"none", {}, ""}});
  test::expect_balanced(chart);
  // 1 to 5 across, 0 to 40 up, and y grows downwards in SVG.
  EXPECT_NE(chart.find("points=\"0.00,100.00 25.00,75.00 100.00,0.00\""), std::string::npos);
  EXPECT_NE(chart.find("<span style=\"bottom:50.00%\">20</span>"), std::string::npos);
  EXPECT_NE(chart.find("<span style=\"left:75.00%\">4</span>"), std::string::npos);
  EXPECT_NE(chart.find("<span class=\"series c0 \">x <b>40</b></span>"), std::string::npos);
  EXPECT_EQ(chart.find("none</span>"), std::string::npos);
  EXPECT_NE(chart.find("<figcaption>a &lt; b</figcaption>"), std::string::npos);
}

TEST(Charts, SmallValuesHaveReadableTicks) {
  const std::string chart = line_chart("t", "step", {{"rate", {{0, 0}, {1, 5e-5}}, ""}});
  EXPECT_NE(chart.find("<span style=\"bottom:40.00%\">2e-05</span>"), std::string::npos);
}

TEST(Charts, WhatIsNoNumberIsLeftOut) {
  EXPECT_EQ(line_chart("t", "step", {{"x", {}, ""}}), "");
  EXPECT_EQ(line_chart("t", "step", {{"x", {{1, NAN}}, ""}}), "");
  const std::string chart =
      line_chart("t", "step", {{"x", {{1, 1}, {2, HUGE_VAL}, {3, 3}, {4, NAN}}, ""}});
  EXPECT_NE(chart.find("points=\"0.00,100.00 100.00,0.00\""), std::string::npos);
  EXPECT_NE(line_chart("t", "step", {{"x", {{7, 2}}, ""}}).find("class=\"point"),
            std::string::npos);
}

TEST(Charts, ThinningKeepsPeaks) {
  ChartLine line{"x", {}, ""};
  for (int i = 0; i < 100000; ++i) line.points.emplace_back(i, i == 54321 ? 100 : i % 3);
  const std::string chart = line_chart("t", "step", {line});
  EXPECT_LT(chart.size(), 20000u);
  EXPECT_NE(chart.find(",0.00 "), std::string::npos);  // the top of the chart, which is 100
}

}  // namespace
}  // namespace pomona
