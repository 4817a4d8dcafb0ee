// What the program needs to know about terminals: whether there is one, how wide, how wide a text.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace pomona::cli {

/// Whether a file descriptor is a terminal that can move its cursor.
bool is_terminal(int descriptor);

struct TerminalSize {
  std::size_t columns = 80, rows = 24;
};

/// The size of the terminal at a descriptor; 80 by 24 where that is unknown.
TerminalSize terminal_size(int descriptor);
inline std::size_t terminal_columns(int descriptor) { return terminal_size(descriptor).columns; }

/// Columns that a text takes: two for East Asian wide characters and emoji, none for combining
/// marks.
std::size_t display_width(std::string_view text);

/// The front of `text` that fits into `columns`, with an ellipsis if something was cut.
std::string fit(std::string_view text, std::size_t columns);

/// `text` broken at spaces into lines of at most `columns`, all but the first indented by `indent`
/// spaces. A line break in the text stays.
std::string wrap(std::string_view text, std::size_t columns, std::size_t indent);

}  // namespace pomona::cli
