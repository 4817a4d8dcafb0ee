// What keys do to a message, with the cursor shown as |.
#include "cli/edit/edit_text.h"

#include <gtest/gtest.h>

namespace pomona::cli {
namespace {

EditText at(std::string marked) {
  const std::size_t cursor = marked.find('|');
  marked.erase(cursor, 1);
  EditText text;
  text.set(std::move(marked), cursor);
  return text;
}

std::string marked(const EditText& text) {
  std::string shown(text.text(), 0, text.cursor());
  return shown.append("|").append(text.text(), text.cursor());
}

/// What a member function makes of a text.
template <class Result>
std::string after(const std::string& before, Result (EditText::*act)()) {
  EditText text = at(before);
  (text.*act)();
  return marked(text);
}

TEST(EditText, MovesByWholeCharacters) {
  EXPECT_EQ(after("a梨|", &EditText::left), "a|梨");
  EXPECT_EQ(after("a|梨b", &EditText::right), "a梨|b");
  EXPECT_EQ(after("cafe\u0301|", &EditText::left), "caf|e\u0301");  // with its accent
  EXPECT_EQ(after("a|\U0001F469\u200D\U0001F33E", &EditText::right),
            "a\U0001F469\u200D\U0001F33E|");  // one emoji of three code points
  EXPECT_EQ(after("a\n|b", &EditText::left), "a|\nb");
  EXPECT_EQ(after("a|\nb", &EditText::right), "a\n|b");
  EXPECT_EQ(after("|a", &EditText::left), "|a");
  EXPECT_EQ(after("a|", &EditText::right), "a|");
}

TEST(EditText, MovesByWordsAndLines) {
  EXPECT_EQ(after("one, two|", &EditText::word_left), "one, |two");
  EXPECT_EQ(after("one, |two", &EditText::word_left), "|one, two");
  EXPECT_EQ(after("|été, two", &EditText::word_right), "été|, two");
  EXPECT_EQ(after("a\nbc|d\ne", &EditText::line_begin), "a\n|bcd\ne");
  EXPECT_EQ(after("a\nbc|d\ne", &EditText::line_end), "a\nbcd|\ne");
}

TEST(EditText, MovesBetweenLinesInTheSameColumn) {
  EXPECT_EQ(after("梨树x\nabc|", &EditText::line_up), "梨|树x\nabc");  // column 3 is inside 树
  EXPECT_EQ(after("abc|d\n梨树", &EditText::line_down), "abcd\n梨|树");
  EXPECT_EQ(after("a\nbcd|", &EditText::line_up), "a|\nbcd");
  EXPECT_FALSE(at("a|b").line_up());
  EXPECT_FALSE(at("a\nb|").line_down());
}

TEST(EditText, Cuts) {
  EXPECT_EQ(after("one two|", &EditText::cut_word_left), "one |");
  EXPECT_EQ(after("a/b-c  |d", &EditText::cut_word_left), "|d");  // up to white space
  EXPECT_EQ(after("a/b|", &EditText::cut_to_word_begin), "a/|");
  EXPECT_EQ(after("|ab cd", &EditText::cut_to_word_end), "| cd");
  EXPECT_EQ(after("x\nab|cd", &EditText::cut_to_line_begin), "x\n|cd");
  EXPECT_EQ(after("a|b\nc", &EditText::cut_to_line_end), "a|\nc");
  EXPECT_EQ(after("a|\nc", &EditText::cut_to_line_end), "a|c");
  EXPECT_EQ(after("e\u0301|", &EditText::erase_left), "|");
  EXPECT_EQ(after("|e\u0301x", &EditText::erase_right), "|x");
}

// Border by border from the beginning of the line, this would take minutes.
TEST(EditText, ALongWordIsCutAtOnce) {
  EditText text;
  text.set("one\n\n " + std::string(200'000, 'a') + "  ");
  text.word_left();
  EXPECT_EQ(text.cursor(), 6u);
  text.word_left();
  EXPECT_EQ(text.cursor(), 0u);
  text.set(text.text());
  text.cut_word_left();
  EXPECT_EQ(text.text(), "one\n\n ");
  text.cut_word_left();
  EXPECT_EQ(text.text(), "");
}

TEST(EditText, PastesWhatWasCutLast) {
  EditText text = at("one two|");
  text.cut_word_left();
  text.cut_to_line_end();  // nothing there
  text.line_begin();
  text.paste();
  EXPECT_EQ(marked(text), "two|one ");
}

TEST(EditText, ACharacterThatJoinsTheNextMovesTheCursorBehindBoth) {
  EditText text = at("|\u0301x");  // an accent without a letter
  text.insert("e");
  EXPECT_EQ(marked(text), "e\u0301|x");
}

}  // namespace
}  // namespace pomona::cli
