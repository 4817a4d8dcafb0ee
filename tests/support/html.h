// What every page of the program keeps to.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace pomona::test {

/// Fails unless tags are closed in the order in which they were opened.
inline void expect_balanced(const std::string& html) {
  const std::vector<std::string> kAlone = {"meta", "rect", "line", "polyline", "!doctype", "br"};
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

/// Fails unless the page is whole, runs nothing, fetches nothing, and suits dark screens and
/// phones.
inline void expect_page_alone(const std::string& html) {
  expect_balanced(html);
  for (const std::string_view part :
       {"<script", "<img", "http:", "https:", "url(", "@import", "src="})
    EXPECT_EQ(html.find(part), std::string::npos) << part;
  EXPECT_NE(html.find("prefers-color-scheme:dark"), std::string::npos);
  EXPECT_NE(html.find("width=device-width"), std::string::npos);
}

}  // namespace pomona::test
