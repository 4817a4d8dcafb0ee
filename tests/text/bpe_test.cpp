#include "text/byte_level_bpe.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>

#include "base/random.h"
#include "base/text.h"
#include "tests/support/refused.h"
#include "text/bpe_merges.h"
#include "text/byte_alphabet.h"

namespace pomona::text {
namespace {

using test::refused;

using Ids = std::vector<TokenId>;

/// Tokens 0-255 are the bytes; then "he" "ll" "hell" "hello" (256-259), " h" (260), <|end|> (261),
/// <tag> (262, user-defined).
struct Vocabulary {
  std::vector<std::string> tokens;
  std::vector<std::string> merges = {"h e", "l l", "he ll", "hell o", "\u0120 h"};
  BpeSpec spec;

  Vocabulary() {
    for (int byte = 0; byte < 256; ++byte)
      append_utf8(tokens.emplace_back(), letter_of_byte(static_cast<unsigned char>(byte)));
    for (const char* token : {"he", "ll", "hell", "hello", "\u0120h", "<|end|>", "<tag>"})
      tokens.emplace_back(token);
    spec.origin = "v.gguf";
    spec.kinds.assign(tokens.size(), TokenKind::normal);
    spec.kinds[261] = TokenKind::control;
    spec.kinds[262] = TokenKind::user_defined;
    spec.pretokenizer = "gpt-2";
  }
  BpeSpec& get() {
    spec.tokens.assign(tokens.begin(), tokens.end());
    spec.merges.assign(merges.begin(), merges.end());
    return spec;
  }
};

TEST(ByteAlphabet, IsGpt2s) {
  EXPECT_EQ(letter_of_byte(' '), 0x120u);  // known from every GPT-2 vocabulary
  EXPECT_EQ(letter_of_byte('\n'), 0x10Au);
  EXPECT_EQ(letter_of_byte(0xAD), 0x143u);
  EXPECT_EQ(letter_of_byte('A'), U'A');
  for (int byte = 0; byte < 256; ++byte) {
    std::string letter;
    append_utf8(letter, letter_of_byte(static_cast<unsigned char>(byte)));
    EXPECT_EQ(bytes_of_letters(letter), std::string(1, static_cast<char>(byte)));
  }
  EXPECT_EQ(bytes_of_letters("a b"), std::nullopt);
}

TEST(Bpe, MergesByRank) {
  Vocabulary vocabulary;
  const auto made = make_tokenizer(vocabulary.get());
  const Tokenizer& tokenizer = *made;
  EXPECT_EQ(tokenizer.encode("hello"), (Ids{259}));
  EXPECT_EQ(tokenizer.encode("hell"), (Ids{258}));
  EXPECT_EQ(tokenizer.encode(" hello"), (Ids{' ', 259}));  // "h e" ranks before " h"
  EXPECT_EQ(tokenizer.encode(" ho"), (Ids{260, 'o'}));
  EXPECT_EQ(tokenizer.encode("lll"), (Ids{257, 'l'}));  // leftmost first
  EXPECT_EQ(tokenizer.encode("\u00E9"), (Ids{0xC3, 0xA9}));
  EXPECT_EQ(tokenizer.encode(""), Ids{});
  EXPECT_EQ(tokenizer.decode(Ids{' ', 259, 0xC3, 0xA9}), " hello\u00E9");
}

TEST(Bpe, SpecialTextIsPlainUnlessAskedFor) {
  Vocabulary vocabulary;
  const auto made = make_tokenizer(vocabulary.get());
  const Tokenizer& tokenizer = *made;
  EXPECT_EQ(tokenizer.encode("<|end|>").size(), 7u);
  EXPECT_EQ(tokenizer.encode("a<|end|>b", {.parse_special = true}), (Ids{'a', 261, 'b'}));
  EXPECT_EQ(tokenizer.encode("a<tag>b"), (Ids{'a', 262, 'b'}));
  EXPECT_EQ(tokenizer.encode("<|end|", {.parse_special = true}).size(), 6u);
  EXPECT_TRUE(tokenizer.ends_generation(261));
  EXPECT_EQ(tokenizer.special().eot, 261);
  EXPECT_EQ(tokenizer.decode(Ids{'a', 261}), "a");
  EXPECT_EQ(tokenizer.decode(Ids{'a', 261}, true), "a<|end|>");
}

TEST(Bpe, AddsSpecialTokensOnRequest) {
  Vocabulary vocabulary;
  SpecialTokens& special = vocabulary.spec.special;
  special.bos = 1;
  special.eos = 2;
  special.add_bos = special.add_eos = true;
  const auto made = make_tokenizer(vocabulary.get());
  const Tokenizer& tokenizer = *made;
  EXPECT_EQ(tokenizer.encode("a", {.add_special = true}), (Ids{1, 'a', 2}));
  EXPECT_EQ(tokenizer.encode("a"), (Ids{'a'}));
  EXPECT_TRUE(tokenizer.ends_generation(2));
}

TEST(Bpe, LeavesOutBytesWithoutAToken) {
  Vocabulary vocabulary;
  vocabulary.tokens[4] = "unreachable";
  const auto made = make_tokenizer(vocabulary.get());
  const Tokenizer& tokenizer = *made;
  EXPECT_EQ(tokenizer.encode("a\x04z"), (Ids{'a', 'z'}));
}

TEST(Bpe, RefusesIllFormedText) {
  Vocabulary vocabulary;
  const auto made = make_tokenizer(vocabulary.get());
  const Tokenizer& tokenizer = *made;
  EXPECT_EQ(refused([&] { tokenizer.encode("ab\xFF"); }),
            "bad_argument: tokenize: the text is not valid UTF-8 at byte 2");
  EXPECT_EQ(refused([&] { tokenizer.token_bytes(263); }),
            "bad_argument: token 263 is not one of the 263 in the vocabulary");
  EXPECT_EQ(refused([&] { tokenizer.decode(Ids{-1}); }),
            "bad_argument: token -1 is not one of the 263 in the vocabulary");
}

TEST(Bpe, RefusesContradictions) {
  const auto error_with = [](const std::function<void(Vocabulary&)>& change) {
    Vocabulary vocabulary;
    change(vocabulary);
    return refused([&] { make_tokenizer(vocabulary.get()); });
  };
  EXPECT_EQ(error_with([](Vocabulary&) {}), "nothing");
  EXPECT_EQ(error_with([](Vocabulary& v) { v.merges.push_back("h x"); }),
            "bad_file: tokenizer of v.gguf: merge 5 has a token that is not in the vocabulary");
  EXPECT_EQ(error_with([](Vocabulary& v) { v.merges[0] = "he"; }),
            "bad_file: tokenizer of v.gguf: merge 0 is not two tokens and a space between");
  EXPECT_EQ(error_with([](Vocabulary& v) { v.spec.kinds.pop_back(); }),
            "bad_file: tokenizer of v.gguf: 263 tokens but 262 token types");
  EXPECT_EQ(error_with([](Vocabulary& v) { v.spec.special.eos = 263; }),
            "bad_file: tokenizer of v.gguf: special token 263 is not one of the 263 tokens");
  EXPECT_EQ(error_with([](Vocabulary& v) { v.spec.special.add_bos = true; }),
            "bad_file: tokenizer of v.gguf: it adds a BOS or EOS token but names none");
  EXPECT_TRUE(error_with([](Vocabulary& v) { v.spec.pretokenizer = "gpt-5"; })
                  .starts_with("unsupported: tokenizer of v.gguf: pre-tokeniser \"gpt-5\" is "
                               "unknown; known are gpt-2, "));
  EXPECT_TRUE(error_with([](Vocabulary& v) {
                v.spec.pretokenizer = "\x1b[2J";
              }).starts_with("unsupported: tokenizer of v.gguf: pre-tokeniser \"\\x1B[2J\" is "));
  EXPECT_EQ(error_with([](Vocabulary& v) { v.tokens[262].assign(257, 'x'); }),
            "unsupported: tokenizer of v.gguf: token 262 stands in text and has 257 bytes, more "
            "than 256");
}

/// The definition, with nothing clever: look at all pairs, merge the best, start again.
Ids merge_by_definition(const MergeTable& merges, Ids symbols) {
  for (;;) {
    std::size_t best = symbols.size();
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
      const Merge* merge = merges.find(symbols[i], symbols[i + 1]);
      if (merge == nullptr) continue;
      if (best == symbols.size() ||
          merge->rank < merges.find(symbols[best], symbols[best + 1])->rank)
        best = i;
    }
    if (best == symbols.size()) return symbols;
    symbols[best] = merges.find(symbols[best], symbols[best + 1])->token;
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

TEST(Bpe, ScanAndHeapEqualTheDefinition) {
  // Random merge tables over a small alphabet: ranks in any order, merges of merges.
  for (std::uint64_t trial = 0; trial < 200; ++trial) {
    const Random random(trial, 7);
    MergeTable merges(40);
    for (std::uint32_t rank = 0; rank < 40; ++rank) {
      merges.add(static_cast<TokenId>(random.below(rank * 2, 12)),
                 static_cast<TokenId>(random.below(rank * 2 + 1, 12)),
                 {rank, static_cast<TokenId>(random.below(1000 + rank, 12))});
    }
    Ids word(random.below(5000, 90));
    for (std::size_t i = 0; i < word.size(); ++i)
      word[i] = static_cast<TokenId>(random.below(6000 + i, 4));
    const Ids expected = merge_by_definition(merges, word);
    Ids by_scan = word;
    Ids by_heap = word;
    merge_word_by_scan(merges, by_scan);
    merge_word_by_heap(merges, by_heap);
    EXPECT_EQ(by_scan, expected) << trial;
    EXPECT_EQ(by_heap, expected) << trial;
  }
}

TEST(Bpe, ALongWordTakesNoTimeSquared) {
  Vocabulary vocabulary;
  const auto made = make_tokenizer(vocabulary.get());
  const Tokenizer& tokenizer = *made;
  // A million bytes in one word: a quadratic merge would take hours.
  const std::string word(1'000'000, 'l');
  EXPECT_EQ(tokenizer.encode(word), Ids(500'000, 257));
}

TEST(Bpe, ManyAddedTokensDoNotSlowDownEveryByte) {
  Vocabulary vocabulary;
  constexpr int kTokens = 30'000;
  for (int i = 0; i < kTokens; ++i) vocabulary.tokens.push_back(fmt::format("l{}", i));
  vocabulary.spec.kinds.resize(vocabulary.tokens.size(), TokenKind::user_defined);
  const auto made = make_tokenizer(vocabulary.get());
  const Tokenizer& tokenizer = *made;
  // Looking at all of them for each byte would be 9e9 comparisons, half a minute.
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(tokenizer.encode(std::string(300'000, 'l')), Ids(150'000, 257));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

}  // namespace
}  // namespace pomona::text
