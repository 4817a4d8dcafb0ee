// Small pieces of HTML: escaping, and bar charts as inline SVG.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace pomona::lifecycle {

/// `text` as HTML text or attribute value: & < > " ' become entities; control characters that HTML
/// forbids become U+FFFD.
std::string escape_html(std::string_view text);

/// One bar (or dot) of a chart with its interval.
struct ChartRow {
  std::string label;
  double value = 0, low = 0, high = 0;
  std::string style;  // class of the row: "base", "promoted" or ""
};

/// Horizontal bars from zero, with intervals and an axis that fits them. Values as shown.
std::string bar_chart(std::string_view title, const std::vector<ChartRow>& rows);

/// Dots with intervals about a zero line: differences.
std::string difference_chart(std::string_view title, const std::vector<ChartRow>& rows);

}  // namespace pomona::lifecycle
