// Tokenisers of every kind against the reference libraries: tests/golden/tokenizers_tiny.json.
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "store/gguf.h"
#include "store/gguf_tokenizer.h"
#include "store/tokenizer_json.h"
#include "text/detokenizer.h"

namespace pomona::store {
namespace {

const fs::path kFolder = fs::path(POMONA_SOURCE_DIR) / "tests/golden";

using Ids = std::vector<text::TokenId>;

const Json& golden() {
  static const Json json = read_json(kFolder / "tokenizers_tiny.json");
  return json;
}

/// A text put together from what a streaming detokeniser hands out.
std::string streamed(const text::Tokenizer& tokenizer, const Ids& ids) {
  text::Detokenizer detokenizer(tokenizer);
  std::string text;
  for (const text::TokenId id : ids) {
    const std::string part = detokenizer.push(id);
    EXPECT_EQ(find_invalid_utf8(part), std::nullopt);
    text += part;
  }
  return text + detokenizer.flush();
}

TEST(TokenizersGolden, TokenizerJsonEqualsTheReference) {
  std::size_t cases = 0;
  for (const Json& one : golden().at("tokenizers")) {
    const std::string name = one.at("name");
    const auto tokenizer = read_tokenizer_json(one.at("tokenizer").dump(), name);
    for (const Json& item : one.at("cases")) {
      const std::string text = item.at("text");
      const Ids ids = item.at("ids");
      EXPECT_EQ(tokenizer->encode(text, {.add_special = true, .parse_special = true}), ids)
          << name << ": " << text;
      if (item.contains("plain")) {
        EXPECT_EQ(tokenizer->encode(text), item.at("plain").get<Ids>()) << name << ": " << text;
      }
      EXPECT_EQ(streamed(*tokenizer, ids), item.at("decoded").get<std::string>()) << name;
      ++cases;
    }
  }
  EXPECT_EQ(cases, 12u * 48u);
}

TEST(TokenizersGolden, SentencePieceInGgufEqualsTheReference) {
  std::size_t cases = 0;
  for (const Json& one : golden().at("sentencepiece")) {
    const GgufFile file(kFolder / one.at("file").get<std::string>());
    const auto tokenizer = read_tokenizer(file.metadata());
    for (const Json& item : one.at("cases")) {
      const std::string text = item.at("text");
      EXPECT_EQ(tokenizer->encode(text), item.at("plain").get<Ids>()) << one.at("name") << text;
      ++cases;
    }
  }
  EXPECT_EQ(cases, 3u * 48u);
}

}  // namespace
}  // namespace pomona::store
