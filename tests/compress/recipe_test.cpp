// Recipes choose as llama-quantize does (golden files of its choices), and the user's choices go
// before them.
#include "compress/recipe.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/support/golden.h"

namespace pomona::compress {
namespace {

/// Values in a row of a tensor of the golden models, from what the script says of them.
std::int64_t row_of(const std::string& name, std::int64_t width) {
  return name.find("ffn_down") != std::string::npos ? 2 * width : width;
}

TEST(Recipe, ChoosesEveryTypeAsTheReferenceDoes) {
  const golden::Golden reference("recipes");
  const struct {
    const char* name;
    std::int64_t width;
    ModelFacts facts;
  } cases[] = {{"grouped", 256, {16, 4, false, false}},
               {"weighed", 256, {16, 4, false, true}},
               {"tied", 256, {16, 1, true, false}},
               {"narrow", 96, {16, 1, false, false}}};
  int looked_at = 0;
  for (const auto& model : cases) {
    const Json& facts = reference.facts().at(model.name);
    for (const auto& [recipe, types] : facts.at("types").items()) {
      for (std::size_t i = 0; i < types.size(); ++i) {
        const auto name = facts.at("tensors").at(i).get<std::string>();
        const std::size_t dimensions = name.find("norm") != std::string::npos ? 1 : 2;
        const auto chosen = type_for(recipe_named(recipe), {}, model.facts,
                                     {name, dimensions, row_of(name, model.width)});
        EXPECT_EQ(chosen ? info(*chosen).name : "F32", types.at(i).get<std::string>())
            << model.name << ' ' << recipe << ' ' << name;
        ++looked_at;
      }
    }
  }
  EXPECT_GT(looked_at, 7000);
}

TEST(Recipe, TheUsersChoicesGoFirst) {
  const Recipe& recipe = recipe_named("Q4_K_M");
  const ModelFacts facts{16, 1, true, false};
  Choices choices;
  choices.output = DType::q8_0;
  choices.embedding = DType::f16;
  choices.patterns.push_back({"attn_v", std::regex("attn_v"), DType::q5_k});
  const auto type = [&](std::string_view name) {
    return type_for(recipe, choices, facts, {name, 2, 256});
  };
  EXPECT_EQ(type("blk.0.attn_v.weight"), DType::q5_k);
  EXPECT_EQ(type("token_embd.weight"), DType::f16);
  EXPECT_EQ(type("blk.0.attn_q.weight"), DType::q4_k);
  choices.embedding.reset();
  EXPECT_EQ(type("token_embd.weight"), DType::q8_0);  // it is the head as well
  choices.leave_output = true;
  EXPECT_EQ(type("token_embd.weight"), std::nullopt);
  choices = {};
  choices.pure = true;
  EXPECT_EQ(type("blk.0.attn_v.weight"), DType::q4_k);
  EXPECT_EQ(type("blk.0.attn_norm.weight"), std::nullopt);
}

TEST(Recipe, UnknownNamesListTheKnown) {
  try {
    recipe_named("Q7_K");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_argument);
    EXPECT_NE(std::string(error.what()).find("Q4_K_M"), std::string::npos);
  }
}

}  // namespace
}  // namespace pomona::compress
