#include "base/charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/html.h"

namespace pomona {
namespace {

struct Axis {
  double low = 0, high = 1, step = 1;
  double percent(double value) const {
    return std::clamp((value - low) / (high - low) * 100, 0.0, 100.0);
  }
};

/// An axis over [low, high] with three to six round ticks.
Axis axis_over(double low, double high) {
  const double range = std::max(high - low, 1e-9);
  const double power = std::pow(10.0, std::floor(std::log10(range / 3)));
  double step = power;
  for (const double factor : {1.0, 2.0, 5.0, 10.0}) {
    step = power * factor;
    if (range / step <= 5) break;
  }
  return {std::floor(low / step + 1e-9) * step, std::ceil(high / step - 1e-9) * step, step};
}

std::vector<double> ticks_of(const Axis& axis) {
  std::vector<double> ticks;
  const double first = std::ceil(axis.low / axis.step - 1e-9) * axis.step;
  for (double tick = first; tick <= axis.high + axis.step * 1e-6; tick += axis.step)
    ticks.push_back(std::abs(tick) < axis.step / 2 ? 0 : tick);
  return ticks;
}

std::string tick_text(const Axis& axis, double tick) {
  if (axis.step < 1e-4 || axis.step >= 1e6) return fmt::format("{:.3g}", tick);
  const int decimals = axis.step >= 1 ? 0 : static_cast<int>(std::ceil(-std::log10(axis.step)));
  return fmt::format("{:.{}f}", tick, decimals);
}

std::string ticks_svg(const Axis& axis) {
  std::string svg;
  for (const double tick : ticks_of(axis))
    svg += fmt::format("<line class=\"grid\" x1=\"{0:.2f}\" x2=\"{0:.2f}\" y1=\"0\" y2=\"24\"/>",
                       axis.percent(tick));
  return svg;
}

std::string ticks_html(const Axis& axis, std::string_view side) {
  std::string ticks;
  for (const double tick : ticks_of(axis))
    ticks += fmt::format("<span style=\"{}:{:.2f}%\">{}</span>", side, axis.percent(tick),
                         tick_text(axis, tick));
  return ticks;
}

std::string axis_row(const Axis& axis) {
  return fmt::format("<div class=\"row axis\"><span></span><div class=\"ticks\">{}</div></div>",
                     ticks_html(axis, "left"));
}

/// The interval as a line with ends, on top of what the row draws.
std::string interval_svg(const Axis& axis, const ChartRow& row) {
  const double low = axis.percent(row.low), high = axis.percent(row.high);
  std::string svg = fmt::format(
      "<line class=\"interval\" x1=\"{:.2f}\" x2=\"{:.2f}\" y1=\"12\" y2=\"12\"/>", low, high);
  for (const double end : {low, high})
    svg += fmt::format(
        "<line class=\"interval\" x1=\"{0:.2f}\" x2=\"{0:.2f}\" y1=\"8\" y2=\"16\"/>", end);
  return svg;
}

std::string chart(std::string_view title, const std::vector<ChartRow>& rows, const Axis& axis,
                  bool bars) {
  std::string html =
      fmt::format("<figure class=\"chart\"><figcaption>{}</figcaption>", escape_html(title));
  for (const ChartRow& row : rows) {
    const std::string value =
        bars ? fmt::format("{:.1f}", row.value) : fmt::format("{:+.1f}", row.value);
    std::string marks = ticks_svg(axis);
    if (bars) {
      marks += fmt::format("<rect class=\"bar\" x=\"0\" y=\"4\" width=\"{:.2f}\" height=\"16\"/>",
                           axis.percent(row.value));
    } else {
      marks += fmt::format(
          "<line class=\"zero\" x1=\"{0:.2f}\" x2=\"{0:.2f}\" y1=\"0\" y2=\"24\"/>"
          "<line class=\"dot\" x1=\"{1:.2f}\" x2=\"{1:.2f}\" y1=\"12\" y2=\"12\"/>",
          axis.percent(0), axis.percent(row.value));
    }
    html += fmt::format(
        "<div class=\"row {}\"><span class=\"label\">{}</span>"
        "<svg viewBox=\"0 0 100 24\" preserveAspectRatio=\"none\" role=\"img\" "
        "aria-label=\"{}: {}, interval {:.1f} to {:.1f}\">{}{}</svg>"
        "<span class=\"value\">{}</span></div>",
        row.style, escape_html(row.label), escape_html(row.label), value, row.low, row.high, marks,
        interval_svg(axis, row), value);
  }
  return html + axis_row(axis) + "</figure>";
}

using Points = std::vector<std::pair<double, double>>;

constexpr std::size_t kBuckets = 400;  // two points of each are about what a screen can show
constexpr std::size_t kColours = 6;

Points finite_points(const Points& points) {
  Points kept;
  for (const auto& point : points) {
    if (std::isfinite(point.first) && std::isfinite(point.second)) kept.push_back(point);
  }
  return kept;
}

/// The lowest and the highest point of each of kBuckets stretches.
Points thinned(const Points& points) {
  if (points.size() <= 2 * kBuckets) return points;
  Points kept;
  for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
    const auto at = [&](std::size_t i) {
      return points.begin() + static_cast<std::ptrdiff_t>(i * points.size() / kBuckets);
    };
    auto [low, high] =
        std::minmax_element(at(bucket), at(bucket + 1),
                            [](const auto& a, const auto& b) { return a.second < b.second; });
    if (high < low) std::swap(low, high);
    kept.push_back(*low);
    if (high != low) kept.push_back(*high);
  }
  return kept;
}

struct Bounds {
  double low = HUGE_VAL, high = -HUGE_VAL;
  void take(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

std::string line_svg(const Axis& x, const Axis& y, const Points& points, std::string_view style) {
  std::string places;
  for (const auto& [px, py] : points)
    places += fmt::format("{}{:.2f},{:.2f}", places.empty() ? "" : " ", x.percent(px),
                          100 - y.percent(py));
  std::string svg = fmt::format("<polyline class=\"{}\" points=\"{}\"/>", style, places);
  if (style.find("dots") == std::string_view::npos && points.size() > 1) return svg;
  for (const auto& [px, py] : points)
    svg += fmt::format(
        "<line class=\"point {0}\" x1=\"{1:.2f}\" x2=\"{1:.2f}\" y1=\"{2:.2f}\" "
        "y2=\"{2:.2f}\"/>",
        style, x.percent(px), 100 - y.percent(py));
  return svg;
}

}  // namespace

std::string bar_chart(std::string_view title, const std::vector<ChartRow>& rows) {
  double high = 0;
  for (const ChartRow& row : rows) high = std::max({high, row.value, row.high});
  return chart(title, rows, axis_over(0, high), true);
}

std::string difference_chart(std::string_view title, const std::vector<ChartRow>& rows) {
  double low = 0, high = 0;
  for (const ChartRow& row : rows) {
    low = std::min({low, row.value, row.low});
    high = std::max({high, row.value, row.high});
  }
  return chart(title, rows, axis_over(low, high), false);
}

std::string line_chart(std::string_view title, std::string_view x_name,
                       const std::vector<ChartLine>& lines) {
  Bounds across, up;
  std::vector<Points> shown;
  for (const ChartLine& line : lines) {
    shown.push_back(thinned(finite_points(line.points)));
    for (const auto& [x, y] : shown.back()) {
      across.take(x);
      up.take(y);
    }
  }
  if (across.low > across.high) return "";
  Axis x = axis_over(across.low, across.high);
  if (across.low < across.high) {
    x.low = across.low;
    x.high = across.high;
  }
  const Axis y = axis_over(up.low, up.high);
  std::string marks, legend, told;
  for (const double tick : ticks_of(y))
    marks += fmt::format("<line class=\"grid\" x1=\"0\" x2=\"100\" y1=\"{0:.2f}\" y2=\"{0:.2f}\"/>",
                         100 - y.percent(tick));
  std::size_t colour = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (shown[i].empty()) continue;
    const std::string style =
        fmt::format("series c{} {}", colour++ % kColours, escape_html(lines[i].style));
    marks += line_svg(x, y, shown[i], style);
    const double last = finite_points(lines[i].points).back().second;
    legend += fmt::format("<span class=\"{}\">{} <b>{:.4g}</b></span> ", style,
                          escape_html(lines[i].label), last);
    told += fmt::format("{} {}: {:.4g} at last", told.empty() ? "" : ";",
                        escape_html(lines[i].label), last);
  }
  return fmt::format(
      "<figure class=\"chart\"><figcaption>{0}</figcaption><div class=\"plot\">"
      "<div class=\"ticks up\">{1}</div><svg viewBox=\"0 0 100 100\" preserveAspectRatio=\"none\" "
      "role=\"img\" aria-label=\"{0}.{2}\">{3}</svg><span></span><div class=\"ticks\">{4}</div>"
      "</div><p class=\"legend\">{5}<small>by {6}</small></p></figure>",
      escape_html(title), ticks_html(y, "bottom"), told, marks, ticks_html(x, "left"), legend,
      escape_html(x_name));
}

}  // namespace pomona
