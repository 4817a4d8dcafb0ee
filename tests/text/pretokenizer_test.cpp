#include "text/named_pretokenizer.h"

#include <gtest/gtest.h>

namespace pomona::text {
namespace {

using Words = std::vector<std::string_view>;

Words split(std::string_view name, std::string_view text) {
  Words words;
  const auto take = [&](const Piece& piece) { words.push_back(piece.text); };
  make_pretokenizer(*find_pretokenizer(name)).split(Piece{text, true}, take);
  return words;
}

// The expected splits were read off the patterns in named_pretokenizer_table.cpp.

TEST(Pretokenizer, Gpt2) {
  EXPECT_EQ(split("gpt-2", "I'll go, 2x!"), (Words{"I", "'ll", " go", ",", " 2", "x", "!"}));
  EXPECT_EQ(split("gpt-2", "I'LL"), (Words{"I", "'", "LL"}));
  EXPECT_EQ(split("gpt-2", "a   b"), (Words{"a", "  ", " b"}));
  EXPECT_EQ(split("gpt-2", "a \n\nb  "), (Words{"a", " \n", "\n", "b", "  "}));
  EXPECT_EQ(split("gpt-2", "x\u00A0\u3000y"), (Words{"x", "\u00A0", "\u3000", "y"}));
  EXPECT_EQ(split("gpt-2", "e\u0301t\u00E9"), (Words{"e", "\u0301", "t\u00E9"}));
  EXPECT_EQ(split("gpt-2", "12\u00BD3 \u2163"), (Words{"12\u00BD3", " \u2163"}));
  EXPECT_EQ(split("gpt-2", ""), Words{});
}

TEST(Pretokenizer, SmolLmTakesNumbersOneByOne) {
  EXPECT_EQ(split("smollm", "in 2024 a1"), (Words{"in", " ", "2", "0", "2", "4", " a", "1"}));
  EXPECT_EQ(split("smollm", "\u00BD\u2163"), (Words{"\u00BD", "\u2163"}));
}

TEST(Pretokenizer, LlamaAndQwenDifferInNumbers) {
  EXPECT_EQ(split("llama-bpe", "12345"), (Words{"123", "45"}));
  EXPECT_EQ(split("qwen2", "12345"), (Words{"1", "2", "3", "4", "5"}));
  EXPECT_EQ(split("llama-bpe", "I'LL (see)x"), (Words{"I", "'LL", " (", "see", ")x"}));
  EXPECT_EQ(split("llama-bpe", "a!\r\n b \n\n  c"),
            (Words{"a", "!\r\n", " b", " \n\n", " ", " c"}));
  EXPECT_EQ(split("llama-bpe", "\tx"), (Words{"\tx"}));
}

TEST(Pretokenizer, FalconCutsNumbersInThrees) {
  EXPECT_EQ(split("falcon", "no. 12345!?"), (Words{"no", ".", " ", "123", "45", "!?"}));
  EXPECT_EQ(split("falcon", "\u00BD"), (Words{"\xC2", "\xBD"}));  // BD stands for itself: a number
}

TEST(Pretokenizer, DeepSeek) {
  EXPECT_EQ(split("deepseek-coder", "a b\n\nc 12\u4E2D"),
            (Words{"a", " b", "\n", "\n", "c", " ", "1", "2", "\u4E2D"}));
  EXPECT_EQ(split("deepseek-v3", "x_abc 1234\u4E2D\u3042 e\u0301."),
            (Words{"x", "_abc", " ", "123", "4", "\u4E2D\u3042", " e\u0301", "."}));
}

/// The words that `pretokenizer` makes of a piece.
std::vector<std::string> words_of(const Pretokenizer& pretokenizer, std::string_view text,
                                  bool at_start = true) {
  std::vector<std::string> words;
  const auto take = [&](const Piece& piece) { words.emplace_back(piece.text); };
  pretokenizer.split(Piece{text, at_start}, take);
  return words;
}

using Strings = std::vector<std::string>;

TEST(Pretokenizer, DelimitersGoWhereTheyAreSent) {
  const auto split_with = [](Delimiters delimiters, bool invert = false) {
    Pretokenizer pretokenizer;
    pretokenizer.add_literal("-", delimiters, invert);
    return words_of(pretokenizer, "-a--b-");
  };
  EXPECT_EQ(split_with(Delimiters::removed), (Strings{"a", "b"}));
  EXPECT_EQ(split_with(Delimiters::isolated), (Strings{"-", "a", "-", "-", "b", "-"}));
  EXPECT_EQ(split_with(Delimiters::contiguous), (Strings{"-", "a", "--", "b", "-"}));
  EXPECT_EQ(split_with(Delimiters::merged_with_previous), (Strings{"-", "a-", "-", "b-"}));
  EXPECT_EQ(split_with(Delimiters::merged_with_next), (Strings{"-a", "-", "-b", "-"}));
  EXPECT_EQ(split_with(Delimiters::removed, true), (Strings{"-", "-", "-", "-"}));
  EXPECT_EQ(split_with(Delimiters::merged_with_next, true), (Strings{"-", "a-", "-", "b-"}));
}

TEST(Pretokenizer, MetaspaceMarksWords) {
  const auto split_with = [](PrependMark prepend, bool split, bool at_start = true) {
    Pretokenizer pretokenizer;
    pretokenizer.add_metaspace("_", prepend, split);
    return words_of(pretokenizer, "a  b", at_start);
  };
  EXPECT_EQ(split_with(PrependMark::always, true), (Strings{"_a", "_", "_b"}));
  EXPECT_EQ(split_with(PrependMark::first, true, false), (Strings{"a", "_", "_b"}));
  EXPECT_EQ(split_with(PrependMark::first, false), (Strings{"_a__b"}));
  EXPECT_EQ(split_with(PrependMark::never, false), (Strings{"a__b"}));
}

TEST(Pretokenizer, ByteLevelPutsASpaceInFront) {
  Pretokenizer pretokenizer;
  pretokenizer.add_byte_level(true, true);
  EXPECT_EQ(words_of(pretokenizer, "a b"), (Strings{" a", " b"}));
  EXPECT_EQ(words_of(pretokenizer, " a"), (Strings{" a"}));
}

TEST(Pretokenizer, NewerPatterns) {
  EXPECT_EQ(split("gpt-4o", "HelloWorld's x/\n12345"),
            (Words{"Hello", "World's", " x", "/\n", "123", "45"}));
  EXPECT_EQ(split("tekken", "HELLOworld 12"), (Words{"HELLOworld", " ", "1", "2"}));
  EXPECT_EQ(split("bloom", "ab, (c"), (Words{"ab", ", (", "c"}));
  EXPECT_EQ(split("deepseek-llm", "ab! 12"), (Words{"ab", "!", " ", "12"}));
  EXPECT_EQ(split("bailingmoe", "it's\n\n x"), (Words{"it", "'s", "\n\n", " x"}));
}

TEST(Pretokenizer, UnknownNamesAreNotFound) {
  EXPECT_FALSE(find_pretokenizer("gpt-5"));
  EXPECT_GT(pretokenizer_names().size(), 10u);
}

}  // namespace
}  // namespace pomona::text
