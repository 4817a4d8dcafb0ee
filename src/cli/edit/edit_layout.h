// How a message that is being written stands on a terminal: broken into rows, with the cursor.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace pomona::cli {

struct EditRow {
  std::string text;
  std::size_t width = 0;
};

struct EditRows {
  std::vector<EditRow> rows;
  std::size_t cursor_row = 0, cursor_column = 0;
};

/// `text` behind `prompt`, each line after the first behind `more`, in rows of at most `columns`.
/// `cursor` is in bytes of the text. A full row has another one behind it, where the cursor can be.
EditRows lay_out(std::string_view prompt, std::string_view more, std::string_view text,
                 std::size_t cursor, std::size_t columns);

/// The first of `rows` rows to show where `height` fit: what was shown before, moved as little as
/// the cursor needs.
std::size_t first_shown(std::size_t before, std::size_t rows, std::size_t cursor_row,
                        std::size_t height);

/// How many rows the cursor is below the first shown one after the terminal, which was wide enough,
/// has broken `shown` (those up to the cursor's) at `columns`.
std::size_t rows_above(const std::vector<EditRow>& shown, std::size_t cursor_row,
                       std::size_t cursor_column, std::size_t columns);

}  // namespace pomona::cli
