// Charts as HTML with inline SVG, in the style of html.h: bars, differences, and lines.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pomona {

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

/// One line of a chart: points (x, y) by rising x. Points that are not finite are left out.
struct ChartLine {
  std::string label;
  std::vector<std::pair<double, double>> points;
  std::string style;  // "faint" for what lies behind, "dots" for few points, or ""
};

/// Lines over one axis of x, called `x_name`, with a legend that tells each one's last value. Very
/// many points are thinned so that peaks stay. "" if no line has a point.
std::string line_chart(std::string_view title, std::string_view x_name,
                       const std::vector<ChartLine>& lines);

}  // namespace pomona
