#include "lifecycle/html.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace pomona::lifecycle {
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

std::string ticks_svg(const Axis& axis) {
  std::string svg;
  for (double tick = axis.low; tick <= axis.high + axis.step / 2; tick += axis.step)
    svg += fmt::format("<line class=\"grid\" x1=\"{0:.2f}\" x2=\"{0:.2f}\" y1=\"0\" y2=\"24\"/>",
                       axis.percent(tick));
  return svg;
}

std::string axis_row(const Axis& axis) {
  const int decimals = axis.step >= 1 ? 0 : static_cast<int>(std::ceil(-std::log10(axis.step)));
  std::string ticks;
  for (double tick = axis.low; tick <= axis.high + axis.step / 2; tick += axis.step) {
    const double shown = std::abs(tick) < axis.step / 2 ? 0 : tick;
    ticks += fmt::format("<span style=\"left:{:.2f}%\">{:.{}f}</span>", axis.percent(tick), shown,
                         decimals);
  }
  return fmt::format("<div class=\"row axis\"><span></span><div class=\"ticks\">{}</div></div>",
                     ticks);
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

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default: {
        const auto byte = static_cast<unsigned char>(c);
        const bool forbidden = (byte < 0x20 && c != '\n' && c != '\t' && c != '\r') || byte == 0x7F;
        if (forbidden)
          out += "\xEF\xBF\xBD";
        else
          out.push_back(c);
      }
    }
  }
  return out;
}

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

}  // namespace pomona::lifecycle
