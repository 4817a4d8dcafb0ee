#include "text/detokenizer.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace pomona::text {
namespace {

/// A vocabulary of the 256 bytes.
class Bytes : public Tokenizer {
 public:
  Bytes() {
    for (int byte = 0; byte < 256; ++byte) text_.push_back(static_cast<char>(byte));
  }
  std::vector<TokenId> encode(std::string_view, EncodeOptions) const override { return {}; }
  std::size_t vocabulary_size() const override { return 256; }
  std::string_view token_bytes(TokenId id) const override {
    return std::string_view(text_).substr(static_cast<std::size_t>(id), 1);
  }
  std::string_view token_text(TokenId id) const override { return token_bytes(id); }
  TokenKind kind(TokenId) const override { return TokenKind::normal; }
  std::optional<TokenId> find(std::string_view) const override { return std::nullopt; }
  const SpecialTokens& special() const override { return special_; }
  bool ends_generation(TokenId) const override { return false; }

 private:
  std::string text_;
  SpecialTokens special_;
};

TEST(Detokenizer, HandsOutWholeCharacters) {
  const Bytes bytes;
  Detokenizer detokenizer(bytes);
  EXPECT_EQ(detokenizer.push('a'), "a");
  EXPECT_EQ(detokenizer.push(0xF0), "");
  EXPECT_EQ(detokenizer.push(0x9F), "");
  EXPECT_EQ(detokenizer.push(0x98), "");
  EXPECT_EQ(detokenizer.push(0x80), "\U0001F600");
  EXPECT_EQ(detokenizer.push(0xE4), "");
  EXPECT_EQ(detokenizer.push(0xB8), "");
  EXPECT_EQ(detokenizer.flush(), "\uFFFD");
  EXPECT_EQ(detokenizer.flush(), "");
}

TEST(Detokenizer, ReplacesMaximalSubparts) {
  // Unicode 15, table 3-11: 61 F1 80 80 E1 80 C2 62 80 63 80 BF 64.
  const Bytes bytes;
  const std::vector<TokenId> ids = {0x61, 0xF1, 0x80, 0x80, 0xE1, 0x80, 0xC2,
                                    0x62, 0x80, 0x63, 0x80, 0xBF, 0x64};
  EXPECT_EQ(bytes.decode(ids), "a\uFFFD\uFFFD\uFFFDb\uFFFDc\uFFFD\uFFFDd");
}

TEST(Detokenizer, StreamsAnyBytesAsWellFormedTextEqualToTheWhole) {
  const Bytes bytes;
  std::uint32_t state = 1;
  for (int trial = 0; trial < 500; ++trial) {
    std::string all;
    std::string streamed;
    Detokenizer detokenizer(bytes);
    for (int i = 0; i < 12; ++i) {
      state = state * 1664525u + 1013904223u;
      // Mostly leading and continuation bytes, so that most sequences are nearly right.
      const std::uint32_t kind = state >> 30;
      const std::uint32_t byte =
          kind == 0 ? 0xC0 + (state >> 16) % 0x40 : 0x80 + (state >> 16) % 0x70;
      all.push_back(static_cast<char>(byte));
      const std::string part = detokenizer.push(static_cast<TokenId>(byte));
      EXPECT_EQ(find_invalid_utf8(part), std::nullopt);
      streamed += part;
    }
    streamed += detokenizer.flush();
    EXPECT_EQ(streamed, take_well_formed(all, true));
  }
}

}  // namespace
}  // namespace pomona::text
