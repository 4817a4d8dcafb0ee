// Which script a language has, and which language a text is in by its script.
#include "lifecycle/language.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace pomona::lifecycle {
namespace {

std::string language_of(std::string_view text) {
  ScriptCounts counts;
  while (const auto character = decode_utf8(text)) {
    counts.add(character->code_point);
    text.remove_prefix(character->length);
  }
  return counts.language();
}

TEST(Language, IsGuessedByTheScriptOfMostLetters) {
  EXPECT_EQ(language_of(""), "en");
  EXPECT_EQ(language_of("The weather is fine, alpha \u03b1"), "en");
  EXPECT_EQ(language_of("\u00c7a va tr\u00e8s bien \u00e0 Orl\u00e9ans"), "en");
  EXPECT_EQ(language_of("\uff21\uff22\uff23 1234"), "en");  // full-width Latin
  EXPECT_EQ(language_of("\u4eca\u5929\u5929\u6c14\u5f88\u597d, GPT"), "zh");
  EXPECT_EQ(language_of("\u4eca\u65e5\u306f\u3044\u3044\u5929\u6c17\u3067\u3059"), "ja");
  EXPECT_EQ(language_of("\uc624\ub298 \ub0a0\uc528"), "ko");
  EXPECT_EQ(language_of("\u041f\u043e\u0433\u043e\u0434\u0430"), "ru");
  EXPECT_EQ(language_of("\u039a\u03b1\u03b9\u03c1\u03cc\u03c2"), "el");
  EXPECT_EQ(language_of("\u05de\u05d6\u05d2 \u05d0\u05d5\u05d5\u05d9\u05e8"), "he");
  EXPECT_EQ(language_of("\u0627\u0644\u0637\u0642\u0633"), "ar");
  EXPECT_EQ(language_of("\u092e\u094c\u0938\u092e"), "hi");
  EXPECT_EQ(language_of("\u0e2d\u0e32\u0e01\u0e32\u0e28"), "th");
  EXPECT_EQ(language_of("\u13a3\u13cf\u13af"), "und");  // Cherokee
}

TEST(Language, WhatIsGuessedIsScoredByItsScript) {
  for (const char* text : {"\u0d95", "\u0c95", "\u0d05", "\u0a85", "\u0a05", "\u1780", "\u10d0",
                           "\u0561", "\u12a0", "\u13a3", "\u0e81", "\u1000", "\u0f40", "\u1820"})
    EXPECT_FALSE(has_latin_script(language_of(text))) << text;
  EXPECT_TRUE(has_latin_script(language_of("text")));
}

TEST(Language, ItsScriptIsTheUsualOneOrTheOneInTheCode) {
  for (const char* language : {"en", "de", "vi", "tr", "sw", "sr-Latn", "en-GB", "zh-Latn-pinyin"})
    EXPECT_TRUE(has_latin_script(language)) << language;
  for (const char* language : {"sr", "kk", "mn", "gu", "kn", "ml", "pa", "si", "zh-Hans", "uz-Cyrl",
                               "yue", "und", "ar-EG"})
    EXPECT_FALSE(has_latin_script(language)) << language;
  EXPECT_TRUE(has_latin_script("de-1996"));  // four digits are a variant, no script
}

}  // namespace
}  // namespace pomona::lifecycle
