#include "text/regex.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"
#include "tests/support/corpus.h"
#include "tests/support/refused.h"
#include "tests/text/regex_exercise.h"

namespace pomona::text {
namespace {

using Texts = std::vector<std::string>;

/// All matches, one after the other.
Texts matches(std::string_view pattern, std::string_view text,
              Regex::View view = Regex::View::characters) {
  const Regex regex(pattern);
  Texts found;
  for (std::size_t at = 0; at < text.size();) {
    const Regex::Match match = regex.find(text, at, view);
    if (match.begin == match.end) break;
    found.emplace_back(text.substr(match.begin, match.end - match.begin));
    at = match.end;
  }
  return found;
}

TEST(Regex, TakesTheFirstAlternativeThatLeadsToAMatch) {
  EXPECT_EQ(matches("a|ab", "abab"), (Texts{"a", "a"}));
  EXPECT_EQ(matches("ab|a", "abab"), (Texts{"ab", "ab"}));
  EXPECT_EQ(matches("(a|ab)(c|bcd)", "abcd"), (Texts{"abcd"}));
  EXPECT_EQ(matches("x*y|x", "xxyxx"), (Texts{"xxy", "x", "x"}));
  EXPECT_EQ(matches("(?:)|a", "a"), Texts{});  // matches that are empty are none
}

TEST(Regex, Repeats) {
  EXPECT_EQ(matches("a{2}", "aaaaa"), (Texts{"aa", "aa"}));
  EXPECT_EQ(matches("a{2,}", "aaaaa"), (Texts{"aaaaa"}));
  EXPECT_EQ(matches("a{1,3}", "aaaaa"), (Texts{"aaa", "aa"}));
  EXPECT_EQ(matches("a{,2}b", "aaab"), (Texts{"aab"}));
  EXPECT_EQ(matches("a{x}", "aa{x}"), (Texts{"a{x}"}));  // no count: literal
  EXPECT_EQ(matches("a+?", "aaa"), (Texts{"a", "a", "a"}));
  EXPECT_EQ(matches("a??b", "ab"), (Texts{"ab"}));
  EXPECT_EQ(matches("(?:ab){1,2}+", "ababab"), (Texts{"ababab"}));  // Ruby: a repeat of a repeat
  EXPECT_EQ(matches("(a*)*b", "aaab"), (Texts{"aaab"}));
}

TEST(Regex, PossessiveRepeatsGiveNothingBack) {
  EXPECT_EQ(matches("a?+a", "aab"), (Texts{"aa"}));
  EXPECT_EQ(matches("a?+a", "ab"), Texts{});
  EXPECT_EQ(matches("a++a|b", "aaab"), (Texts{"b"}));
  EXPECT_EQ(matches("[ab]*+b|ba", "abba"), (Texts{"ba"}));
}

TEST(Regex, LooksAheadByOneCharacter) {
  EXPECT_EQ(matches(R"(\s+(?!\S)|\s)", "  a   "), (Texts{" ", " ", "   "}));
  EXPECT_EQ(matches("a(?=b)", "aab"), (Texts{"a"}));
  EXPECT_EQ(matches("a(?=b|c)", "abacad"), (Texts{"a", "a"}));
  EXPECT_EQ(matches("(?=a)[a-c]+", "cabc"), (Texts{"abc"}));
  EXPECT_EQ(matches(" +$", "a  \nb c "), (Texts{"  ", " "}));
}

TEST(Regex, Sets) {
  EXPECT_EQ(matches("[^a-c]", "abcd"), (Texts{"d"}));
  EXPECT_EQ(matches("[]a]", "]a"), (Texts{"]", "a"}));
  EXPECT_EQ(matches("[a-]+", "a-b"), (Texts{"a-"}));
  EXPECT_EQ(matches(R"([\p{L}&&[^a-z]]+)", "abCDe\u00C9"), (Texts{"CD", "\u00C9"}));
  EXPECT_EQ(matches("[^(\\s|[.,])]+", "a(b.c|d"), (Texts{"a", "b", "c", "d"}));
  EXPECT_EQ(matches(R"(\p{Lu}\P{Lu})", "ABcD"), (Texts{"Bc"}));
  EXPECT_EQ(matches(R"(\p{^N}+)", "a\u2163b"), (Texts{"a", "b"}));
  EXPECT_EQ(matches(R"(\p{Han}+)", "\u4E2D\u3005\u3042"), (Texts{"\u4E2D\u3005"}));
  EXPECT_EQ(matches(R"(\w+)", "a_\u0301\u0663 \u24B6-"), (Texts{"a_\u0301\u0663", "\u24B6"}));
  EXPECT_EQ(matches(R"([\x41-\x{43}\u0044\t\-]+)", "ABCDE\t-"), (Texts{"ABCD", "\t-"}));
  EXPECT_EQ(matches(".+", "ab\ncd"), (Texts{"ab", "cd"}));
  EXPECT_EQ(matches(R"(\s)", "\u0085\u2003\u200B"), (Texts{"\u0085", "\u2003"}));
}

TEST(Regex, IgnoresCaseWhereAsked) {
  EXPECT_EQ(matches("(?i:'s|'ll)x?", "'S'Ll'\u017FX"), (Texts{"'S", "'Ll", "'\u017F"}));
  EXPECT_EQ(matches("(?i)ab", "AbaB"), (Texts{"Ab", "aB"}));
  EXPECT_EQ(matches("((?i)a)b", "AbAB"), (Texts{"Ab"}));
  EXPECT_EQ(matches("(?i:[^a])", "Ab"), (Texts{"b"}));
}

TEST(Regex, SeesBytesAsLetters) {
  // C3 A9: the letters U+00C3 and U+00A9, of which one is a letter; BD is the number one half.
  EXPECT_EQ(matches(R"(\p{L}+)", "\u00E9", Regex::View::byte_letters), (Texts{"\xC3"}));
  EXPECT_EQ(matches(R"(\p{N})", "\u00BD1", Regex::View::byte_letters), (Texts{"\xBD", "1"}));
}

TEST(Regex, QuotesWhatItDoesNotKnow) {
  const auto error_of = [](std::string_view pattern) {
    return test::refused([&] { Regex regex(pattern); });
  };
  EXPECT_EQ(error_of("a(?<=b)"),
            "unsupported: pattern \"a(?<=b)\": the group (? at byte 1 is not supported");
  EXPECT_EQ(error_of("a(?!bc)"),
            "unsupported: pattern \"a(?!bc)\": looking ahead by more than one character at byte 6 "
            "is not supported");
  EXPECT_EQ(error_of(R"(\p{Greek})"),
            "unsupported: pattern \"\\p{Greek}\": the property \"Greek\" at byte 0 is not "
            "supported");
  for (const char* pattern : {"^a",
                              "(",
                              ")",
                              "[a",
                              "a)",
                              R"(\b)",
                              R"(\1)",
                              R"(\)",
                              R"(\p)",
                              R"(\pL)",
                              "[b-a]",
                              "*a",
                              "a{1001}",
                              "a{3,2}",
                              "[[:alpha:]]",
                              R"([a-\s])",
                              R"(\x{110000})",
                              R"(\x4)",
                              "(?:ab)++",
                              "((((((((((((((((((((((((((((((((((((((((((((((((((((((a",
                              "[^",
                              "(?P<n>a)"})
    EXPECT_TRUE(error_of(pattern).starts_with("unsupported: pattern ")) << pattern;
  EXPECT_EQ(error_of("((a{1,99}){1,99}){1,99}"),
            "unsupported: pattern \"((a{1,99}){1,99}){1,99}\": it is too large");
  EXPECT_TRUE(error_of("(?:a|b)*a(?:a|b){16}").ends_with("it is too large"));
}

TEST(Regex, ALongTextTakesNoTimeSquared) {
  // A backtracking matcher would try each of the 2^n ways to cut the run.
  EXPECT_EQ(matches("(?:a|a|aa)*b", std::string(100'000, 'a').substr(0, 1000) + "c"), Texts{});
}

TEST(RegexCorpus, ReplaysWithoutACrash) {
  test::replay_corpus("regex", 15, [](const std::filesystem::path& path) {
    return exercise_regex(read_file(path));
  });
}

}  // namespace
}  // namespace pomona::text
