// The report page: what others wrote cannot become markup, and it needs nothing from outside.
#include "lifecycle/html.h"

#include "lifecycle/report.h"
#include "tests/lifecycle/fixture.h"

namespace pomona::lifecycle {
namespace {

TEST(Html, EscapesText) {
  EXPECT_EQ(escape_html("<a href=\"x\">&'\n\u4f60"),
            "&lt;a href=&quot;x&quot;&gt;&amp;&#39;\n\u4f60");
  EXPECT_EQ(escape_html(std::string_view("a\0b\x1b", 4)), "a\uFFFDb\uFFFD");
}

TEST(Html, ChartsPutValuesOnTheirAxis) {
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

/// Fails unless tags are closed in the order in which they were opened.
void expect_balanced(const std::string& html) {
  const std::vector<std::string> kAlone = {"meta", "rect", "line", "!doctype", "br"};
  std::vector<std::string> open;
  for (std::size_t at = html.find('<'); at != std::string::npos; at = html.find('<', at + 1)) {
    const bool closing = html[at + 1] == '/';
    const std::size_t begin = at + (closing ? 2 : 1);
    const std::string name = html.substr(begin, html.find_first_of(" >/", begin) - begin);
    if (std::find(kAlone.begin(), kAlone.end(), name) != kAlone.end()) continue;
    if (!closing) {
      open.push_back(name);
    } else {
      ASSERT_FALSE(open.empty()) << "</" << name << "> at " << at;
      ASSERT_EQ(open.back(), name) << "at " << at;
      open.pop_back();
    }
  }
  EXPECT_TRUE(open.empty());
}

TEST_F(LifecycleTest, ThePageStandsAloneAndHoldsNoForeignMarkup) {
  RunOptions with = options();
  with.set = {{"app.name", "<script>alert(1)</script>"},
              {"serve.alias", "a&b"},
              {"prompt.instruction", "<img src=x onerror=y>\nText: {input}"}};
  const RunOutcome outcome = run(with);
  ASSERT_FALSE(outcome.failure) << outcome.failure->what();
  const std::string html = read_file(outcome.report_html);
  expect_balanced(html);
  for (const std::string_view part :
       {"<script", "<img", "http:", "https:", "url(", "@import", "src="})
    EXPECT_EQ(replace_all(html, "&lt;img src=x", "").find(part), std::string::npos) << part;
  EXPECT_NE(html.find("<h1>&lt;script&gt;alert(1)&lt;/script&gt;</h1>"), std::string::npos);
  EXPECT_NE(html.find("--set &#39;serve.alias=a&amp;b&#39;"), std::string::npos)
      << "the command is to be quoted";
  EXPECT_NE(html.find("one-shot beats zero-shot."), std::string::npos);
  EXPECT_NE(html.find("prefers-color-scheme:dark"), std::string::npos);
  EXPECT_NE(html.find("width=device-width"), std::string::npos);
}

}  // namespace
}  // namespace pomona::lifecycle
