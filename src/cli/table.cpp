#include "cli/table.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "base/quote.h"
#include "cli/terminal.h"

namespace pomona::cli {

Table::Table(std::vector<std::string> headings) {
  for (std::string& heading : headings) {
    right_.push_back(heading.starts_with('>'));
    if (right_.back()) heading.erase(0, 1);
  }
  add(std::move(headings));
}

void Table::add(std::vector<std::string> cells) {
  for (std::string& cell : cells) cell = printable(cell, true);
  rows_.push_back(std::move(cells));
}

std::string Table::text() const {
  std::vector<std::size_t> widths(right_.size(), 0);
  for (const auto& row : rows_) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      widths[c] = std::max(widths[c], display_width(row[c]));
    }
  }
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string space(widths[c] - display_width(row[c]), ' ');
      line += (c == 0 ? "" : "  ") + (right_[c] ? space + row[c] : row[c] + space);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string human_count(double count) {
  constexpr std::array<std::pair<double, std::string_view>, 4> kSteps = {
      {{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}}};
  for (const auto& [step, letter] : kSteps) {
    if (count >= step) return fmt::format("{:.1f} {}", count / step, letter);
  }
  return fmt::format("{:g}", count);
}

}  // namespace pomona::cli
