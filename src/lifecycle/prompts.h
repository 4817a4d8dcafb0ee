// Prompts of an application: an instruction, examples drawn from the training rows, the row's text.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "lifecycle/data.h"
#include "model/model.h"

namespace pomona::lifecycle {

/// The order and number of a draw depend on `seed` and the number of rows alone, and a draw of
/// fewer is the beginning of a draw of more. Throws bad_argument if there are fewer rows than
/// `count`.
std::vector<std::size_t> draw_examples(std::size_t rows, std::size_t count, std::uint64_t seed);

/// How a text becomes a conversation that the model continues. Zero examples: zero-shot. Examples
/// are earlier turns, not text within one message: on examples/meeting-notes SmolLM2-135M writes
/// notes of ROUGE-L 20.1 after four turns, of 11.2 after one message with four examples.
struct PromptRecipe {
  std::string instruction;    // holds {input}
  std::vector<Row> examples;  // shown as earlier turns, each answered with its output

  std::vector<model::Message> messages(std::string_view input) const;
};

/// What an alias carries, so that every command that takes MODEL prompts as the report did:
/// {"method", "instruction", "examples": [{"input", "output"}], "max_new_tokens"}.
Json to_json(const PromptRecipe& recipe);
/// Reads "instruction" and "examples" of an alias's settings. Throws bad_file if they are not as
/// written by to_json.
PromptRecipe recipe_from_json(const Json& settings);

}  // namespace pomona::lifecycle
