#include "lifecycle/prompts.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/random.h"
#include "base/text.h"

namespace pomona::lifecycle {
namespace {

constexpr std::uint64_t kExampleStream = 0x73686f7473;  // "shots"

}  // namespace

std::vector<std::size_t> draw_examples(std::size_t rows, std::size_t count, std::uint64_t seed) {
  if (count > rows)
    fail(ErrorKind::bad_argument, "prompt: {} examples asked for, but there are {} training rows",
         count, rows);
  std::vector<std::size_t> order(rows);
  std::iota(order.begin(), order.end(), std::size_t{0});
  const Random random(seed, kExampleStream);
  for (std::size_t i = 0; i < count; ++i) std::swap(order[i], order[i + random.below(i, rows - i)]);
  order.resize(count);
  return order;
}

std::vector<model::Message> PromptRecipe::messages(std::string_view input) const {
  std::vector<model::Message> turns;
  for (const Row& example : examples) {
    turns.push_back({"user", replace_all(instruction, "{input}", example.input)});
    turns.push_back({"assistant", example.output});
  }
  turns.push_back({"user", replace_all(instruction, "{input}", input)});
  return turns;
}

Json to_json(const PromptRecipe& recipe) {
  Json examples = Json::array();
  for (const Row& example : recipe.examples)
    examples.push_back({{"input", example.input}, {"output", example.output}});
  return {{"instruction", recipe.instruction}, {"examples", std::move(examples)}};
}

PromptRecipe recipe_from_json(const Json& settings) {
  try {
    PromptRecipe recipe;
    recipe.instruction = settings.at("instruction").get<std::string>();
    for (const Json& example : settings.at("examples"))
      recipe.examples.push_back(
          {example.at("input").get<std::string>(), example.at("output").get<std::string>()});
    return recipe;
  } catch (const Json::exception& error) {
    fail(ErrorKind::bad_file, "prompt settings of an alias: {}", error.what());
  }
}

}  // namespace pomona::lifecycle
