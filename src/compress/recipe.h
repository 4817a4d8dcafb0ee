// Recipes: which type each tensor of a model gets, e.g. "Q4_K_M". The choices are those of
// llama.cpp's quantiser (llama-quantize), so that files of the same name hold the same types.
#pragma once
#include <cstdint>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "quant/dtype.h"

namespace pomona::compress {

/// What a recipe asks about a model.
struct ModelFacts {
  std::int64_t layers = 0;
  std::int64_t query_heads_per_kv = 1;
  bool tied = false;     // no output.weight: the embedding is the head as well
  bool weighed = false;  // there is an importance matrix
};

/// One tensor in GGUF's world.
struct TensorFacts {
  std::string_view name;  // "blk.3.attn_v.weight"
  std::size_t dimensions = 0;
  std::int64_t row = 0;  // values in a row
};

struct Recipe {
  std::string_view name;  // as users write it
  int file_type;          // general.file_type
  DType type;             // of most weights
};

/// All recipes, smallest files first.
const std::vector<Recipe>& recipes();

/// The recipe of a name. Throws bad_argument that lists the names.
const Recipe& recipe_named(std::string_view name);

/// What the user decides over the recipe.
struct Choices {
  std::optional<DType> output;     // of the head
  std::optional<DType> embedding;  // of the token embedding
  bool pure = false;               // the recipe's main type for every matrix
  bool leave_output = false;       // the head stays as it is
  struct Pattern {
    std::string text;  // as the user wrote it
    std::regex name;   // searched in the tensor's name
    DType type;

    bool fits(std::string_view tensor) const {
      return std::regex_search(tensor.begin(), tensor.end(), name);
    }
  };
  std::vector<Pattern> patterns;  // the first that fits decides
};

/// The type of a tensor, or nullopt where it stays as it is (vectors, norms, routers). A type whose
/// blocks do not divide the row gives way to the nearest that does.
std::optional<DType> type_for(const Recipe& recipe, const Choices& choices, const ModelFacts& model,
                              const TensorFacts& tensor);

}  // namespace pomona::compress
