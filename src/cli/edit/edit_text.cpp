#include "cli/edit/edit_text.h"

#include <utility>

#include "cli/terminal.h"
#include "text/code_points.h"
#include "text/unicode.h"

namespace pomona::cli {
namespace {

bool is_word(std::string_view text, std::size_t at) {
  const char32_t c = text::code_point_at(text, at).value;
  return text::is_letter(c) || text::is_number(c) || text::is_mark(c);
}

}  // namespace

void EditText::set(std::string text) {
  text_ = std::move(text);
  cursor_ = text_.size();
}

void EditText::set(std::string text, std::size_t cursor) {
  text_ = std::move(text);
  cursor_ = cursor;
}

void EditText::insert(std::string_view text) {
  text_.insert(cursor_, text);
  cursor_ += text.size();
  // An accent that was set joins the letter before it, one behind the cursor may now join the text.
  std::size_t border = begin_of_line(cursor_);
  while (border < cursor_) border = after(border);
  cursor_ = border;
}

bool EditText::line_up() {
  const std::size_t line = begin_of_line(cursor_);
  if (line == 0) return false;
  cursor_ = same_column(begin_of_line(line - 1));
  return true;
}

bool EditText::line_down() {
  const std::size_t end = end_of_line(cursor_);
  if (end == text_.size()) return false;
  cursor_ = same_column(end + 1);
  return true;
}

void EditText::cut_word_left() {
  const auto is_space = [&](std::size_t at) {
    return text::is_white_space(text::code_point_at(text_, at).value);
  };
  const std::size_t word_end = back_while(cursor_, is_space);
  cut(back_while(word_end, [&](std::size_t at) { return !is_space(at); }), cursor_);
}

void EditText::cut_to_line_end() {
  const std::size_t end = end_of_line(cursor_);
  cut(cursor_, end == cursor_ ? after(end) : end);
}

std::size_t EditText::before(std::size_t at) const {
  if (at == 0) return 0;
  if (text_[at - 1] == '\n') return at - 1;
  std::size_t found = begin_of_line(at);
  for (std::size_t next = found; next < at; next = after(next)) found = next;
  return found;
}

/// Borders are found from the beginning of a line only, so each line is passed once.
template <class Fits>
std::size_t EditText::back_while(std::size_t at, Fits fits) const {
  while (at > 0) {
    std::size_t found = text_[at - 1] == '\n' ? at - 1 : begin_of_line(at);
    const std::size_t begin = found;
    bool all = true;
    for (std::size_t next = begin; next < at; next = after(next)) {
      if (fits(next)) continue;
      all = false;
      found = after(next);
    }
    if (!all) return found;
    at = begin;
  }
  return 0;
}

std::size_t EditText::after(std::size_t at) const {
  if (at == text_.size()) return at;
  return at + text::grapheme_length(std::string_view(text_).substr(at));
}

std::size_t EditText::word_before(std::size_t at) const {
  const std::size_t word_end = back_while(at, [&](std::size_t i) { return !is_word(text_, i); });
  return back_while(word_end, [&](std::size_t i) { return is_word(text_, i); });
}

std::size_t EditText::word_after(std::size_t at) const {
  while (at < text_.size() && !is_word(text_, at)) at = after(at);
  while (at < text_.size() && is_word(text_, at)) at = after(at);
  return at;
}

std::size_t EditText::begin_of_line(std::size_t at) const {
  const std::size_t line_break = at == 0 ? std::string::npos : text_.rfind('\n', at - 1);
  return line_break == std::string::npos ? 0 : line_break + 1;
}

std::size_t EditText::end_of_line(std::size_t at) const {
  return std::min(text_.find('\n', at), text_.size());
}

std::size_t EditText::same_column(std::size_t line) const {
  const auto part = [&](std::size_t from, std::size_t to) {
    return display_width(std::string_view(text_).substr(from, to - from));
  };
  std::size_t left = part(begin_of_line(cursor_), cursor_);
  const std::size_t end = end_of_line(line);
  while (line < end) {
    const std::size_t next = after(line);
    const std::size_t width = part(line, next);
    if (width > left) break;
    left -= width;
    line = next;
  }
  return line;
}

void EditText::erase(std::size_t from, std::size_t to) {
  text_.erase(from, to - from);
  cursor_ = from;
}

void EditText::cut(std::size_t from, std::size_t to) {
  if (from == to) return;
  cut_ = text_.substr(from, to - from);
  erase(from, to);
}

}  // namespace pomona::cli
