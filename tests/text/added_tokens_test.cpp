#include "text/added_tokens.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "base/random.h"

namespace pomona::text {
namespace {

TEST(AddedTokens, FindsTheLongestAtTheFront) {
  const AddedTokens tokens({{"<a>", 1}, {"<a>b", 2}, {"<", 3}, {"<a>", 4}, {"\xE4\xB8\xAD", 5}});
  EXPECT_EQ(tokens.find("<a>bc")->id, 2);
  EXPECT_EQ(tokens.find("<a>c")->id, 1);  // the first of two
  EXPECT_EQ(tokens.find("<a")->id, 3);
  EXPECT_EQ(tokens.find("\xE4\xB8\xAD<")->id, 5);
  EXPECT_EQ(tokens.find("\xE4\xB8"), nullptr);
  EXPECT_EQ(tokens.find("a<"), nullptr);
  EXPECT_EQ(AddedTokens().find("a"), nullptr);
}

TEST(AddedTokens, EqualsTheDefinition) {
  for (std::uint64_t trial = 0; trial < 300; ++trial) {
    const Random random(trial, 3);
    const auto word = [&](std::uint64_t index, std::uint64_t longest) {
      std::string text(1 + random.below(index * 20, longest), 'a');
      for (std::size_t i = 0; i < text.size(); ++i)
        text[i] = "ab\xC3\x7F"[random.below(index * 20 + 1 + i, 4)];
      return text;
    };
    std::vector<std::string> texts;
    for (std::uint64_t i = 0; i < 12; ++i) texts.push_back(word(i, 4));
    std::vector<AddedToken> tokens;
    for (std::size_t i = 0; i < texts.size(); ++i)
      tokens.push_back({texts[i], static_cast<std::int32_t>(i)});
    const AddedTokens added(tokens);
    for (std::uint64_t query = 100; query < 130; ++query) {
      const std::string text = word(query, 8);
      const AddedToken* expected = nullptr;
      for (const AddedToken& token : tokens)
        if (text.starts_with(token.text) &&
            (expected == nullptr || token.text.size() > expected->text.size()))
          expected = &token;
      const AddedToken* found = added.find(text);
      ASSERT_EQ(found == nullptr, expected == nullptr);
      if (found != nullptr) {
        EXPECT_EQ(found->id, expected->id);
      }
    }
  }
}

}  // namespace
}  // namespace pomona::text
