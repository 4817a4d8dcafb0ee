// A message that is being written: well-formed UTF-8 of one or several lines, a cursor between two
// of its characters, and what keys do to them. Knows nothing of terminals.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace pomona::cli {

class EditText {
 public:
  const std::string& text() const { return text_; }
  /// In bytes, always between two graphemes.
  std::size_t cursor() const { return cursor_; }
  bool empty() const { return text_.empty(); }
  bool at_end() const { return cursor_ == text_.size(); }

  /// Another text, with the cursor behind it.
  void set(std::string text);
  void set(std::string text, std::size_t cursor);
  void insert(std::string_view text);

  // Moves. Those by character and word go on in the next line.
  void left() { cursor_ = before(cursor_); }
  void right() { cursor_ = after(cursor_); }
  void word_left() { cursor_ = word_before(cursor_); }
  void word_right() { cursor_ = word_after(cursor_); }
  void line_begin() { cursor_ = begin_of_line(cursor_); }
  void line_end() { cursor_ = end_of_line(cursor_); }
  /// To about the same column of the line above or below. False if there is none.
  bool line_up();
  bool line_down();

  // Cuts. What goes by the word or line is kept for paste().
  void erase_left() { erase(before(cursor_), cursor_); }
  void erase_right() { erase(cursor_, after(cursor_)); }
  /// Back to the white space before the word.
  void cut_word_left();
  void cut_to_word_begin() { cut(word_before(cursor_), cursor_); }
  void cut_to_word_end() { cut(cursor_, word_after(cursor_)); }
  void cut_to_line_begin() { cut(begin_of_line(cursor_), cursor_); }
  /// At the end of a line, its line break.
  void cut_to_line_end();
  /// What was cut last.
  void paste() { insert(cut_); }

 private:
  std::size_t before(std::size_t at) const;
  std::size_t after(std::size_t at) const;
  /// Back over all characters in a row whose place fits().
  template <class Fits>
  std::size_t back_while(std::size_t at, Fits fits) const;
  std::size_t word_before(std::size_t at) const;
  std::size_t word_after(std::size_t at) const;
  std::size_t begin_of_line(std::size_t at) const;
  std::size_t end_of_line(std::size_t at) const;
  /// The place in the line that begins at `line`, as far to the right as the cursor is in its own.
  std::size_t same_column(std::size_t line) const;
  void erase(std::size_t from, std::size_t to);
  void cut(std::size_t from, std::size_t to);

  std::string text_;
  std::size_t cursor_ = 0;
  std::string cut_;
};

}  // namespace pomona::cli
