#include "cli/edit/edit_layout.h"

#include <algorithm>

#include "cli/terminal.h"
#include "text/unicode.h"

namespace pomona::cli {
namespace {

constexpr std::size_t kTab = 8;
constexpr std::size_t kLeastColumns = 4;

class Rows {
 public:
  explicit Rows(std::size_t columns) : columns_(std::max(columns, kLeastColumns)) {}

  void begin_row() { rows_.emplace_back(); }

  void put(std::string_view part) {
    std::string shown(part);
    std::size_t width = display_width(part);
    if (part == "\t") {
      width = std::min(kTab - rows_.back().width % kTab, columns_ - rows_.back().width);
      shown.assign(width, ' ');
    } else if (part.starts_with('\xC2') && part[1] < '\xA0') {  // a C1 control
      shown = "\uFFFD";
    } else if (static_cast<unsigned char>(part.front()) < 0x20 || part == "\x7f") {
      shown = {'^', static_cast<char>(part.front() ^ 0x40)};
      width = shown.size();
    }
    if (rows_.back().width + width > columns_) begin_row();
    rows_.back().text += shown;
    rows_.back().width += width;
    if (rows_.back().width == columns_) begin_row();
  }

  std::size_t row() const { return rows_.size() - 1; }
  std::size_t column() const { return rows_.back().width; }
  std::vector<EditRow> take() { return std::move(rows_); }

 private:
  std::size_t columns_;
  std::vector<EditRow> rows_;
};

template <class Visit>
void each_grapheme(std::string_view text, Visit visit) {
  for (std::size_t at = 0; at < text.size();) {
    const bool control = static_cast<unsigned char>(text[at]) < 0x20;
    const std::size_t length = control ? 1 : text::grapheme_length(text.substr(at));
    visit(at, text.substr(at, length));
    at += length;
  }
}

}  // namespace

EditRows lay_out(std::string_view prompt, std::string_view more, std::string_view text,
                 std::size_t cursor, std::size_t columns) {
  Rows rows(columns);
  EditRows laid;
  const auto put_all = [&](std::string_view line) {
    each_grapheme(line, [&](std::size_t, std::string_view part) { rows.put(part); });
  };
  const auto mark_cursor = [&] {
    laid.cursor_row = rows.row();
    laid.cursor_column = rows.column();
  };
  rows.begin_row();
  put_all(prompt);
  each_grapheme(text, [&](std::size_t at, std::string_view part) {
    if (at == cursor) mark_cursor();
    if (part == "\n") {
      rows.begin_row();
      put_all(more);
    } else {
      rows.put(part);
    }
  });
  if (cursor >= text.size()) mark_cursor();
  laid.rows = rows.take();
  return laid;
}

std::size_t first_shown(std::size_t before, std::size_t rows, std::size_t cursor_row,
                        std::size_t height) {
  if (rows <= height) return 0;
  const std::size_t least = cursor_row < height ? 0 : cursor_row - height + 1;
  return std::min({std::max(before, least), cursor_row, rows - height});
}

std::size_t rows_above(const std::vector<EditRow>& shown, std::size_t cursor_row,
                       std::size_t cursor_column, std::size_t columns) {
  columns = std::max(columns, kLeastColumns);
  std::size_t above = cursor_column / columns;
  for (std::size_t row = 0; row < cursor_row; ++row)
    above += shown[row].width == 0 ? 1 : (shown[row].width - 1) / columns + 1;
  return above;
}

}  // namespace pomona::cli
