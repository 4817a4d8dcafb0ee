#include "base/quote.h"

#include <gtest/gtest.h>

namespace pomona {
namespace {

TEST(Quote, NamesCannotSteerTheTerminal) {
  EXPECT_EQ(quote_name("llama"), "\"llama\"");
  EXPECT_EQ(quote_name("caf\u00e9 \u4e2d"), "\"caf\u00e9 \u4e2d\"");
  EXPECT_EQ(quote_name("a\x1b[2J\"\n"), "\"a\\x1B[2J\\x22\\x0A\"");
  EXPECT_EQ(quote_name("\u009b2J"), "\"\\xC2\\x9B2J\"");       // CSI as one character
  EXPECT_EQ(quote_name("a\u202eb"), "\"a\\xE2\\x80\\xAEb\"");  // right to left from here
  EXPECT_EQ(quote_name("\xff\xc3"), "\"\\xFF\\xC3\"");         // no UTF-8
  EXPECT_EQ(quote_name(std::string(81, 'x')), '"' + std::string(80, 'x') + "...\"");
}

TEST(Quote, PrintableKeepsLines) {
  EXPECT_EQ(printable("a\n\tb\x1b]0;t\a\u00e9"), "a\n\tb\\x1B]0;t\\x07\u00e9");
  EXPECT_EQ(printable("a\n\tb", true), "a\\x0A\\x09b");
}

TEST(Quote, ShortenedKeepsWholeCharacters) {
  EXPECT_EQ(shortened("abc", 3), "abc");
  EXPECT_EQ(shortened("abcd", 3), "abc...");
  EXPECT_EQ(shortened("ab\u4e2d\u4e2d", 5), "ab\u4e2d...");
  EXPECT_EQ(shortened("ab\u4e2d\u4e2d", 4), "ab...");
}

}  // namespace
}  // namespace pomona
