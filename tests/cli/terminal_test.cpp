// Widths, breaking and cutting of text, tables, and signals.
#include "cli/terminal.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "cli/interrupt.h"
#include "cli/table.h"

namespace pomona::cli {
namespace {

TEST(Terminal, WidthCountsColumns) {
  EXPECT_EQ(display_width("pear"), 4u);
  EXPECT_EQ(display_width("梨树"), 4u);
  EXPECT_EQ(display_width("cafe\u0301"), 4u);  // the accent stands on the e
  EXPECT_EQ(display_width("…"), 1u);
}

TEST(Terminal, FitCutsOnlyWhatIsTooLong) {
  EXPECT_EQ(fit("pear", 4), "pear");
  EXPECT_EQ(fit("pears", 4), "pea…");
  EXPECT_EQ(fit("梨树梨", 4), "梨…");  // half a character cannot stay
}

TEST(Terminal, WrapBreaksAtSpacesAndIndents) {
  EXPECT_EQ(wrap("one two three", 9, 2), "one two\n  three");
  EXPECT_EQ(wrap("a\nb", 9, 1), "a\n b");
  EXPECT_EQ(wrap("unbreakable", 4, 0), "unbreakable");
}

TEST(Table, AlignsByDisplayWidth) {
  Table table({"NAME", ">N", "WHAT"});
  table.add({"梨", "7", "fruit"});
  table.add({"apple", "12", ""});
  EXPECT_EQ(table.text(), "NAME    N  WHAT\n梨      7  fruit\napple  12\n");
}

TEST(Table, CellsCannotSteerTheTerminal) {
  Table table({"name", "a\nb"});
  table.add({"licence", "\x1b[2Jfree"});
  EXPECT_EQ(table.text(), "name     a\\x0Ab\nlicence  \\x1B[2Jfree\n");
}

TEST(Table, CountsAreShort) {
  EXPECT_EQ(human_count(0), "0");
  EXPECT_EQ(human_count(999), "999");
  EXPECT_EQ(human_count(134515008), "134.5 M");
  EXPECT_EQ(human_count(7.2e9), "7.2 G");
}

TEST(Interrupt, TheSecondSignalEndsTheProcessAtOnce) {
  EXPECT_EXIT(
      {
        const StopToken& stop = catch_interrupts();
        ::raise(SIGINT);
        if (!stop.requested()) ::_exit(1);
        forget_interrupt();
        ::raise(SIGTERM);  // asked politely again
        if (!stop.requested()) ::_exit(2);
        ::raise(SIGINT);
        ::_exit(3);
      },
      testing::ExitedWithCode(130), "");
}

TEST(Interrupt, ABackgroundJobKeepsIgnoringCtrlC) {
  EXPECT_EXIT(
      {
        ::signal(SIGINT, SIG_IGN);
        const StopToken& stop = catch_interrupts();
        ::raise(SIGINT);
        ::_exit(stop.requested() ? 1 : 0);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace pomona::cli
