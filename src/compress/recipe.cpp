#include "compress/recipe.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/text.h"

namespace pomona::compress {
namespace {

/// The layer in "blk.N.", or -1.
std::int64_t layer_of(std::string_view name) {
  if (!name.starts_with("blk.")) return -1;
  std::int64_t layer = -1;
  std::from_chars(name.data() + 4, name.data() + name.size(), layer);
  return layer;
}

/// The first and last eighth of the layers, and every third between: where errors cost most.
bool deserves_more(std::int64_t layer, std::int64_t layers) {
  return layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
}

bool ends_with(const TensorFacts& tensor, std::string_view part) {
  return tensor.name.ends_with(std::string(part) + ".weight");
}

/// Which of the layer's matrices a recipe may treat apart from the rest.
struct Place {
  bool value, down, attention_output, fused_qkv;
  std::int64_t layer, layers;
};

DType q2_k(const Place& at, const ModelFacts& model) {
  if (at.value) return model.query_heads_per_kv >= 4 ? DType::q4_k : DType::q3_k;
  return at.down || at.attention_output ? DType::q3_k : DType::q2_k;
}

DType q3_k_m(const Place& at) {
  if (at.value) return at.layer < 2 ? DType::q5_k : DType::q4_k;
  if (at.down) return at.layer < at.layers / 16 ? DType::q5_k : DType::q4_k;
  return at.attention_output || at.fused_qkv ? DType::q4_k : DType::q3_k;
}

DType q3_k_l(const Place& at) {
  if (at.fused_qkv) return DType::q4_k;
  return at.value || at.down || at.attention_output ? DType::q5_k : DType::q3_k;
}

DType q4_k_s(const Place& at) {
  const bool first = (at.value && at.layer < 4) || (at.down && at.layer < at.layers / 8);
  return first ? DType::q5_k : DType::q4_k;
}

/// Q4_K_M and Q5_K_M: Q6_K where more bits are deserved.
DType medium(const Place& at, DType type) {
  if ((at.value || at.down) && deserves_more(at.layer, at.layers)) return DType::q6_k;
  if (at.fused_qkv) return type == DType::q4_k ? DType::q5_k : DType::q6_k;
  return type;
}

/// The legacy formats' first layers with importances, which can mislead there.
DType legacy(const Place& at, const ModelFacts& model, DType type) {
  if (!model.weighed || !at.down || at.layer >= at.layers / 8) return type;
  return type == DType::q4_0 ? DType::q4_1 : DType::q5_1;
}

/// IQ4_NL and IQ4_XS.
DType non_linear(const Place& at, const ModelFacts& model, DType type) {
  if (at.value && model.query_heads_per_kv >= 4) return DType::q5_k;
  const bool first = at.down && at.layer < at.layers / 8;
  return first && !model.weighed ? DType::q5_k : type;
}

DType mixed(const Recipe& recipe, const ModelFacts& model, const TensorFacts& tensor) {
  const Place at{.value = ends_with(tensor, "attn_v"),
                 .down = ends_with(tensor, "ffn_down"),
                 .attention_output = ends_with(tensor, "attn_output"),
                 .fused_qkv = ends_with(tensor, "attn_qkv"),
                 .layer = layer_of(tensor.name),
                 .layers = model.layers};
  if (recipe.name == "Q2_K") return q2_k(at, model);
  if (recipe.name == "Q3_K_M") return q3_k_m(at);
  if (recipe.name == "Q3_K_L") return q3_k_l(at);
  if (recipe.name == "Q4_K_S") return q4_k_s(at);
  if (recipe.name == "Q4_0" || recipe.name == "Q5_0") return legacy(at, model, recipe.type);
  if (recipe.name == "IQ4_NL" || recipe.name == "IQ4_XS") return non_linear(at, model, recipe.type);
  if (recipe.name == "Q4_K_M" || recipe.name == "Q5_K_M") return medium(at, recipe.type);
  return recipe.type;
}

/// The head keeps more bits than the rest.
DType head_type(const Recipe& recipe, const TensorFacts& tensor) {
  if (!is_block_format(recipe.type) || recipe.type == DType::q8_0) return recipe.type;
  return tensor.row % kLargestBlock == 0 ? DType::q6_k : DType::q8_0;
}

/// The type, or the nearest whose blocks divide the row.
DType that_divides(DType type, std::int64_t row) {
  if (row % info(type).block == 0) return type;
  DType other = DType::f16;
  switch (type) {
    case DType::q2_k:
    case DType::q3_k:
      other = DType::q4_0;
      break;
    case DType::iq4_xs:
      other = DType::iq4_nl;
      break;
    case DType::q4_k:
      other = DType::q5_0;
      break;
    case DType::q5_k:
      other = DType::q5_1;
      break;
    case DType::q6_k:
      other = DType::q8_0;
      break;
    default:
      break;
  }
  return row % info(other).block == 0 ? other : DType::f16;
}

/// What is no matrix of weights, or too small and too delicate to gain from fewer bits.
bool stays(const TensorFacts& tensor) {
  return tensor.dimensions < 2 || !tensor.name.ends_with("weight") ||
         tensor.name.find("_norm.weight") != std::string_view::npos ||
         tensor.name.find("ffn_gate_inp.weight") != std::string_view::npos ||
         tensor.name == "position_embd.weight" || tensor.name == "token_types.weight";
}

}  // namespace

const std::vector<Recipe>& recipes() {
  static const std::vector<Recipe> all = {
      {"Q2_K", 10, DType::q2_k},     {"Q3_K_S", 11, DType::q3_k},   {"Q3_K_M", 12, DType::q3_k},
      {"Q3_K_L", 13, DType::q3_k},   {"IQ4_XS", 30, DType::iq4_xs}, {"MXFP4", 38, DType::mxfp4},
      {"IQ4_NL", 25, DType::iq4_nl}, {"Q4_0", 2, DType::q4_0},      {"Q4_K_S", 14, DType::q4_k},
      {"Q4_K_M", 15, DType::q4_k},   {"Q4_1", 3, DType::q4_1},      {"Q5_0", 8, DType::q5_0},
      {"Q5_K_S", 16, DType::q5_k},   {"Q5_K_M", 17, DType::q5_k},   {"Q5_1", 9, DType::q5_1},
      {"Q6_K", 18, DType::q6_k},     {"Q8_0", 7, DType::q8_0},      {"BF16", 32, DType::bf16},
      {"F16", 1, DType::f16},        {"F32", 0, DType::f32}};
  return all;
}

const Recipe& recipe_named(std::string_view name) {
  std::vector<std::string> names;
  for (const Recipe& recipe : recipes()) {
    if (recipe.name == name) return recipe;
    names.emplace_back(recipe.name);
  }
  fail(ErrorKind::bad_argument, "quantize: there is no type \"{}\"; there are {}", name,
       fmt::join(names, ", "));
}

std::optional<DType> type_for(const Recipe& recipe, const Choices& choices, const ModelFacts& model,
                              const TensorFacts& tensor) {
  if (stays(tensor)) return std::nullopt;
  const bool embedding = tensor.name == "token_embd.weight";
  const bool head = tensor.name == "output.weight" || (embedding && model.tied);
  if (head && choices.leave_output) return std::nullopt;
  DType type = recipe.type;
  const auto pattern =
      std::find_if(choices.patterns.begin(), choices.patterns.end(),
                   [&](const Choices::Pattern& candidate) { return candidate.fits(tensor.name); });
  if (pattern != choices.patterns.end()) {
    type = pattern->type;
  } else if (embedding && choices.embedding) {
    type = *choices.embedding;
  } else if (head && choices.output) {
    type = *choices.output;
  } else if (!choices.pure) {
    type = head ? head_type(recipe, tensor) : mixed(recipe, model, tensor);
  }
  return that_divides(type, tensor.row);
}

}  // namespace pomona::compress
