// Tokens and masks of conversations against transformers' assistant masks (tools/oracle/
// training_masks.py): equal up to the last target, since what stands behind it is left out.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/json.h"
#include "tests/support/golden.h"
#include "text/template.h"
#include "train/render.h"

namespace pomona::train {
namespace {

TEST(TrainingMasks, EqualTheReference) {
  const Json golden = read_json(golden::path_of("training_masks.json"));
  model::Model model = model::load_model(golden::path_of("llama_tiny.gguf"));
  ASSERT_EQ(golden.at("cases").size(), 10u);
  for (const Json& known : golden.at("cases")) {
    const auto name = known.at("name").get<std::string>();
    model.chat_template =
        std::make_shared<const text::ChatTemplate>(known.at("template").get<std::string>());
    RowContent content;
    content.kind = RowContent::Kind::chat;
    content.messages = known.at("messages");
    content.tools = known.at("tools");
    auto tokens = known.at("tokens").get<std::vector<text::TokenId>>();
    auto mask = known.at("mask").get<std::vector<std::uint8_t>>();
    const auto behind = std::find(mask.rbegin(), mask.rend(), std::uint8_t{1}) - mask.rbegin();
    tokens.resize(tokens.size() - static_cast<std::size_t>(behind));
    mask.resize(tokens.size());
    const Rendered row = Renderer(model, LossOn::assistant).render(content, name);
    EXPECT_EQ(row.tokens, tokens) << name;
    EXPECT_EQ(row.supervised, mask) << name;

    const Rendered last = Renderer(model, LossOn::last).render(content, name);
    const auto answer = std::find(mask.rbegin(), mask.rend(), std::uint8_t{0}) - mask.rbegin();
    std::fill(mask.begin(), mask.end() - answer, std::uint8_t{0});
    EXPECT_EQ(last.tokens, tokens) << name;
    EXPECT_EQ(last.supervised, mask) << name;
  }
}

}  // namespace
}  // namespace pomona::train
