// How messages break into rows.
#include "cli/edit/edit_layout.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace pomona::cli {
namespace {

/// The rows, and the cursor's row and column.
std::string laid(std::string_view text, std::size_t cursor, std::size_t columns = 10) {
  const EditRows rows = lay_out("> ", ". ", text, cursor, columns);
  std::string shown;
  for (const EditRow& row : rows.rows) shown += row.text + "|";
  return shown + fmt::format(" {},{}", rows.cursor_row, rows.cursor_column);
}

TEST(EditLayout, LinesAndLongLines) {
  EXPECT_EQ(laid("ab", 1), "> ab| 0,3");
  EXPECT_EQ(laid("ab\ncd", 3), "> ab|. cd| 1,2");
  EXPECT_EQ(laid("ab\ncd", 2), "> ab|. cd| 0,4");
  EXPECT_EQ(laid("abcdefgh", 8), "> abcdefgh|| 1,0");  // a full row, the cursor below
  EXPECT_EQ(laid("abcdefghij", 8), "> abcdefgh|ij| 1,0");
}

TEST(EditLayout, WideCharactersTabsAndControls) {
  EXPECT_EQ(laid("abcdefg梨", 10), "> abcdefg|梨| 1,2");  // half a character cannot stay
  EXPECT_EQ(laid("e\u0301x", 3), "> e\u0301x| 0,3");
  EXPECT_EQ(laid("\tx", 2), ">       x| 0,9");
  EXPECT_EQ(laid("\x1b[", 2), "> ^[[| 0,5");
  EXPECT_EQ(laid("\u009B1", 3), "> \uFFFD1| 0,4");
}

TEST(EditLayout, ShowsTheRowsAroundTheCursor) {
  EXPECT_EQ(first_shown(0, 5, 4, 6), 0u);  // all fit
  EXPECT_EQ(first_shown(0, 20, 19, 6), 14u);
  EXPECT_EQ(first_shown(14, 20, 15, 6), 14u);  // stays where it was
  EXPECT_EQ(first_shown(14, 20, 3, 6), 3u);
  EXPECT_EQ(first_shown(14, 8, 7, 6), 2u);  // no empty rows at the end
}

TEST(EditLayout, RowsBreakAgainOnANarrowerTerminal) {
  const std::vector<EditRow> rows = {{"", 20}, {"", 0}, {"", 9}, {"", 3}};
  EXPECT_EQ(rows_above(rows, 3, 2, 40), 3u);
  EXPECT_EQ(rows_above(rows, 3, 2, 10), 4u);
  EXPECT_EQ(rows_above(rows, 3, 2, 8), 6u);
  EXPECT_EQ(rows_above(rows, 0, 15, 10), 1u);  // the cursor's own row, in front of it
}

}  // namespace
}  // namespace pomona::cli
