// Pages of HTML: text of others cannot become markup.
#include "base/html.h"

#include "tests/support/html.h"

namespace pomona {
namespace {

TEST(Html, EscapesText) {
  EXPECT_EQ(escape_html("<a href=\"x\">&'\n\u4f60"),
            "&lt;a href=&quot;x&quot;&gt;&amp;&#39;\n\u4f60");
  EXPECT_EQ(escape_html(std::string_view("a\0b\x1b", 4)), "a\uFFFDb\uFFFD");
}

TEST(Html, APageStandsAlone) {
  const std::string page = html_page("report", "<b>", html_facts({{"a<b", "<i>2</i>"}}));
  test::expect_page_alone(page);
  EXPECT_NE(page.find("<title>&lt;b&gt; - report</title>"), std::string::npos);
  EXPECT_NE(page.find("<tr><th>a&lt;b</th><td><i>2</i></td></tr>"), std::string::npos);
}

}  // namespace
}  // namespace pomona
