#include "text/pretokenizer.h"

#include <gtest/gtest.h>

namespace pomona::text {
namespace {

using Words = std::vector<std::string_view>;

Words split(std::string_view name, std::string_view text) {
  Words words;
  Pretokenizer::find(name)->split(text, words);
  return words;
}

// The expected splits were read off the patterns that stand above the matchers.

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

TEST(Pretokenizer, UnknownNamesAreNotFound) {
  EXPECT_FALSE(Pretokenizer::find("gpt-5"));
  EXPECT_GT(Pretokenizer::names().size(), 10u);
}

}  // namespace
}  // namespace pomona::text
