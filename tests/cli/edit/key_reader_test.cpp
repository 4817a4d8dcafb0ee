// The bytes of keys, whole and in pieces.
#include "cli/edit/key_reader.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace pomona::cli {
namespace {

/// What the bytes are, texts in quotes: one for each key.
std::vector<std::string> keys(KeyReader& reader, bool nothing_follows = false) {
  std::vector<std::string> found;
  while (const auto press = reader.next(nothing_follows)) {
    found.push_back(press->key == Key::text ? fmt::format("'{}'", press->text)
                                            : std::to_string(static_cast<int>(press->key)));
  }
  return found;
}

std::vector<std::string> keys(std::string_view bytes, bool nothing_follows = false) {
  KeyReader reader;
  reader.feed(bytes);
  return keys(reader, nothing_follows);
}

template <class... K>
std::vector<std::string> numbers(K... key) {
  return {std::to_string(static_cast<int>(key))...};
}

TEST(KeyReader, KnowsTheSequencesOfTerminals) {
  EXPECT_EQ(keys("\x1b[A\x1bOA\x1b[B"), numbers(Key::up, Key::up, Key::down));
  EXPECT_EQ(keys("\x1b[1;5C\x1b\x66"), numbers(Key::word_right, Key::word_right));
  EXPECT_EQ(keys("\x1b[H\x1b[1~\x1bOF"), numbers(Key::line_begin, Key::line_begin, Key::line_end));
  EXPECT_EQ(keys("\x1b\r\n\x1b[13;2u"), numbers(Key::line_break, Key::line_break, Key::line_break));
  EXPECT_EQ(keys("\x01\x05\x0b\x15\x17\x12\x7f"),
            numbers(Key::line_begin, Key::line_end, Key::cut_to_line_end, Key::cut_to_line_begin,
                    Key::cut_word_left, Key::search, Key::backspace));
}

TEST(KeyReader, WhatIsNotKnownDoesNothingAsAWhole) {
  EXPECT_EQ(keys("\x1b[24~\x1b[[Ax"),
            (std::vector<std::string>{numbers(Key::none)[0], numbers(Key::none)[0], "'x'"}));
  EXPECT_EQ(keys("\x1b[1;2Rx").back(), "'x'");
}

TEST(KeyReader, EscapeIsAKeyWhereNothingFollows) {
  EXPECT_TRUE(keys("\x1b").empty());
  EXPECT_EQ(keys("\x1b", true), numbers(Key::cancel));
  EXPECT_EQ(keys("\x1b[", true), numbers(Key::none));
  EXPECT_EQ(keys("\x1b\x1b[A"), numbers(Key::cancel, Key::up));
}

TEST(KeyReader, ACharacterComesWhole) {
  KeyReader reader;
  reader.feed("a\xE6\xA2");
  EXPECT_EQ(keys(reader), std::vector<std::string>{"'a'"});
  EXPECT_TRUE(reader.waits());
  reader.feed("\xA8");
  EXPECT_EQ(keys(reader), std::vector<std::string>{"'梨'"});
  EXPECT_EQ(keys("caf\xE9", true), std::vector<std::string>{"'caf\uFFFD'"});
  EXPECT_EQ(keys("caf\xE9\r").front(), "'caf\uFFFD'");
}

TEST(KeyReader, PastedTextIsOneKeyWithoutControls) {
  KeyReader reader;
  reader.feed("\x1b[200~one\r\ntwo\rthree\t\x1b[31m\x03");
  EXPECT_TRUE(keys(reader, true).empty());
  reader.feed("four\x1b[201~\r");
  EXPECT_EQ(keys(reader),
            (std::vector<std::string>{"'one\ntwo\nthree\t[31mfour'", numbers(Key::enter)[0]}));
}

TEST(KeyReader, APasteWithoutItsEndIsLeftByCtrlCTwice) {
  KeyReader reader;
  reader.feed("\x1b[200~one\x03");
  EXPECT_TRUE(keys(reader, true).empty());
  reader.feed("\x03");
  EXPECT_TRUE(keys(reader).empty());
  EXPECT_EQ(keys(reader, true), numbers(Key::interrupt));
  EXPECT_FALSE(reader.waits());
}

TEST(KeyReader, ControlsOfTwoBytesAreLeftOut) {
  EXPECT_EQ(keys("a\u009B31m\u00A0é"), std::vector<std::string>{"'a31m\u00A0é'"});
  EXPECT_EQ(keys("\x1b[200~a\u009B31m\u0080\x1b[201~"), std::vector<std::string>{"'a31m'"});
}

}  // namespace
}  // namespace pomona::cli
