// Whole messages from key presses.
#include "cli/edit/edit_session.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "tests/cli/edit/edit_keys_exercise.h"
#include "tests/support/corpus.h"

namespace pomona::cli {
namespace {

using Outcome = EditSession::Outcome;

class EditSessionTest : public ::testing::Test {
 protected:
  /// Presses the keys that these bytes are; the last one's outcome.
  Outcome type(std::string_view bytes) {
    KeyReader reader;
    reader.feed(bytes);
    Outcome outcome = Outcome::edited;
    while (const auto press = reader.next(true)) outcome = session_.press(*press);
    return outcome;
  }

  static constexpr std::string_view kCommands[] = {"/help", "/reset", "/remove "};
  static constexpr std::string_view kUp = "\x1b[A", kDown = "\x1b[B";

  std::vector<std::string> earlier_ = {"first pear", "two\nlines", "second pear"};
  EditSession session_{earlier_, kCommands};
};

TEST_F(EditSessionTest, EnterSubmits) {
  EXPECT_EQ(type("hello\r"), Outcome::submitted);
  EXPECT_EQ(session_.text(), "hello");
}

TEST_F(EditSessionTest, LinesBreakInSeveralWays) {
  EXPECT_EQ(type("a\nb\x1b\rc\\\rd"), Outcome::edited);
  EXPECT_EQ(session_.text(), "a\nb\nc\nd");
  EXPECT_EQ(type("\r"), Outcome::submitted);
}

TEST_F(EditSessionTest, LongQuotesHoldUntilTheyAreClosed) {
  EXPECT_EQ(type("\"\"\"\rone\rtwo\r"), Outcome::edited);
  EXPECT_EQ(type("\"\"\"\r"), Outcome::submitted);
  EXPECT_EQ(quoted_message(session_.text()), "one\ntwo");
  EXPECT_EQ(quoted_message("\"\"\"a\"\"\" "), "a");
  EXPECT_EQ(quoted_message("\"\"\"\"\""), std::nullopt);
  EXPECT_EQ(quoted_message("say \"\"\"a\"\"\""), std::nullopt);
  EXPECT_TRUE(quotes_are_open("\"\"\""));
}

TEST_F(EditSessionTest, UpAndDownGoThroughEarlierMessagesAndBackToTheNewOne) {
  type("new");
  type(kUp);
  EXPECT_EQ(session_.text(), "second pear");
  type(kUp);
  EXPECT_EQ(session_.text(), "two\nlines");
  type(kUp);  // into its first line
  EXPECT_EQ(session_.text(), "two\nlines");
  EXPECT_EQ(session_.cursor(), 3u);
  type(kUp);
  type(kUp);  // there is none before
  EXPECT_EQ(session_.text(), "first pear");
  type("\x1b>");
  EXPECT_EQ(session_.text(), "new");
  type(kDown);
  EXPECT_EQ(session_.text(), "new");
}

TEST_F(EditSessionTest, SearchesBackwards) {
  type("draft\x12pea");
  EXPECT_EQ(session_.search_prompt(), "(search: pea) ");
  EXPECT_EQ(session_.text(), "second pear");
  EXPECT_EQ(session_.cursor(), 7u);
  type("\x12");
  EXPECT_EQ(session_.text(), "first pear");
  type("\x12");
  EXPECT_EQ(session_.search_prompt(), "(not found: pea) ");
  EXPECT_EQ(session_.text(), "first pear");
  type("\x07");  // Ctrl-G: as it was
  EXPECT_EQ(session_.search_prompt(), std::nullopt);
  EXPECT_EQ(session_.text(), "draft");
  type(
      "\x12two\x7f\x7f\x7f"
      "fir\x05!");  // another key takes what was found
  EXPECT_EQ(session_.text(), "first pear!");
  type("\x1b>");
  EXPECT_EQ(session_.text(), "draft");
  EXPECT_EQ(type("\x12sec\r"), Outcome::submitted);
  EXPECT_EQ(session_.text(), "second pear");
}

TEST_F(EditSessionTest, TabCompletesCommands) {
  EXPECT_EQ(type("\t"), Outcome::edited);
  EXPECT_EQ(session_.text(), "");
  type("/h\t");
  EXPECT_EQ(session_.text(), "/help");
  type("\x15/r\t");
  EXPECT_EQ(session_.text(), "/re");
  EXPECT_EQ(type("\t"), Outcome::told);
  EXPECT_EQ(session_.hint(), "/reset  /remove ");
  type("m\t");
  EXPECT_EQ(session_.text(), "/remove ");
}

TEST_F(EditSessionTest, CtrlDEndsOnlyWhereNothingIsWritten) {
  EXPECT_EQ(type("ab\x02\x04"), Outcome::edited);
  EXPECT_EQ(session_.text(), "a");
  EXPECT_EQ(type("\x7f\x04"), Outcome::ended);
}

TEST_F(EditSessionTest, OtherKeysOfTheTerminal) {
  EXPECT_EQ(type("\x03"), Outcome::interrupted);
  EXPECT_EQ(type("\x0c"), Outcome::clear_screen);
  EXPECT_EQ(type("\x1a"), Outcome::suspend);
}

TEST(EditKeysCorpus, ReplaysWithoutACrash) {
  test::replay_corpus("edit_keys", 3, [](const std::filesystem::path& path) {
    return exercise_edit_keys(read_file(path));
  });
}

}  // namespace
}  // namespace pomona::cli
