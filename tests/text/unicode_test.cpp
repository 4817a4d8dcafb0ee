#include "text/unicode.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace pomona::text {
namespace {

TEST(Unicode, KnowsCategories) {
  for (const char32_t c : {U'a', U'É', U'中', U'ʰ', U'ǅ'}) EXPECT_TRUE(is_letter(c)) << int(c);
  for (const char32_t c : {U'1', U' ', U'_', U'\u0301', U'。'}) EXPECT_FALSE(is_letter(c));
  for (const char32_t c : {U'7', U'٣', U'½', U'Ⅷ'}) EXPECT_TRUE(is_number(c)) << int(c);
  EXPECT_FALSE(is_number(U'五'));  // a letter (Lo) that has a numeric value
  EXPECT_TRUE(is_mark(U'\u0301'));
  EXPECT_TRUE(is_mark(U'\u093F'));  // Devanagari vowel sign i, Mc
  EXPECT_FALSE(is_mark(U'a'));
}

TEST(Unicode, WhiteSpaceIsTheSetOfPropList) {
  int count = 0;
  for (char32_t c = 0; c <= 0x10FFFF; ++c) count += is_white_space(c) ? 1 : 0;
  EXPECT_EQ(count, 25);  // PropList.txt: "Total code points: 25"
  for (const char32_t c : {U'\t', U' ', U'\u0085', U'\u00A0', U'\u2028', U'\u3000'}) {
    EXPECT_TRUE(is_white_space(c));
  }
  EXPECT_FALSE(is_white_space(0x1C));
  EXPECT_FALSE(is_white_space(0x200B));
}

TEST(Unicode, Lowers) {
  EXPECT_EQ(lower("AbZ ÀΣЖ 中"), "abz àσж 中");
  EXPECT_EQ(lower("\u212A\u0130"), "ki\u0307");
  EXPECT_THROW(lower("a\xFF"), Error);
}

TEST(Unicode, FoldsCompatibilityForms) {
  EXPECT_EQ(nfkc_casefold("ＡＢ１"), "ab1");
  EXPECT_EQ(nfkc_casefold("e\u0301"), "\u00E9");
  EXPECT_EQ(nfkc_casefold("Straße"), "strasse");
  EXPECT_EQ(nfkc_casefold("a\u00ADb\uFE0F"), "ab");
  EXPECT_EQ(nfkc_casefold(""), "");
  EXPECT_EQ(nfkc_casefold(std::string_view("a\0B", 3)), std::string_view("a\0b", 3));
  EXPECT_THROW(nfkc_casefold("\xE4\xB8"), Error);
}

}  // namespace
}  // namespace pomona::text
