#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "convert/numbers.h"
#include "model/rope_config.h"

namespace pomona::convert {
namespace {

using nn::RopeType;

/// The shortest number that is the same f32, as people write it: 1e-05 for 9.99999975e-06.
double shortest(double value) {
  const std::string text = fmt::format("{}", static_cast<float>(value));
  double number = value;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string_view name_of_type(DType type) {
  if (type == DType::f16) return "float16";
  return type == DType::bf16 ? "bfloat16" : "float32";
}

std::vector<double> factors_of(const Source& source, std::string_view name) {
  const store::StoredTensor* const stored = source.files.checkpoint.tensors.find(name);
  if (stored == nullptr) return {};
  const Tensor values = stored->decoded();
  std::vector<double> factors;
  for (std::int64_t i = 0; i < values.elements(); ++i)
    factors.push_back(shortest(static_cast<double>(values.data<float>()[i])));
  return factors;
}

/// Llama 3's scaling, found again from the factors that GGUF keeps of it: its two bounds are those
/// of all its models, and so mostly is the original context. nullopt if these are not its factors.
std::optional<nn::RopeConfig> llama3_of(nn::RopeConfig rope) {
  const std::vector<double> wanted = nn::rope_frequencies(rope).per_position;
  rope.factor =
      shortest(*std::max_element(rope.frequency_factors.begin(), rope.frequency_factors.end()));
  rope.frequency_factors.clear();
  rope.rope_type = RopeType::llama3;
  for (double original = 64; original <= (1 << 20); original *= 2) {
    rope.original_max_position_embeddings = original;
    const std::vector<double> found = nn::rope_frequencies(rope).per_position;
    const bool same = std::equal(found.begin(), found.end(), wanted.begin(),
                                 [](double a, double b) { return std::abs(a - b) <= 1e-6 * b; });
    if (same) return rope;
  }
  return std::nullopt;
}

/// A factor of all frequencies beside those of single ones goes into these.
Json longrope(const Source& source, const nn::RopeConfig& rope) {
  std::vector<double> low = factors_of(source, "rope_factors_short.weight"),
                      high = factors_of(source, "rope_factors_long.weight");
  if (low.empty()) low = factors_of(source, "rope_freqs.weight");
  if (rope.rope_type == RopeType::linear)
    for (double& factor : low) factor = shortest(factor * rope.factor);
  const double attention = shortest(nn::rope_frequencies(rope).attention_factor);
  return {{"rope_type", "longrope"},
          {"short_factor", low},
          {"long_factor", high.empty() ? low : high},
          {"original_max_position_embeddings",
           static_cast<std::int64_t>(rope.original_max_position_embeddings)},
          {"attention_factor", attention}};
}

Json yarn(const nn::RopeConfig& rope) {
  Json scaling = {{"rope_type", "yarn"},
                  {"factor", shortest(rope.factor)},
                  {"original_max_position_embeddings",
                   static_cast<std::int64_t>(rope.original_max_position_embeddings)},
                  {"beta_fast", shortest(rope.beta_fast)},
                  {"beta_slow", shortest(rope.beta_slow)}};
  if (rope.attention_factor) scaling["attention_factor"] = shortest(*rope.attention_factor);
  if (rope.mscale != 0) scaling["mscale"] = rope.mscale;
  if (rope.mscale_all_dim != 0) scaling["mscale_all_dim"] = shortest(rope.mscale_all_dim);
  return scaling;
}

/// rope_scaling; null for a rotation as it is.
Json scaling_of(const Source& source, const nn::RopeConfig& rope) {
  if (rope.rope_type == RopeType::longrope) return longrope(source, rope);
  if (rope.rope_type == RopeType::yarn) {
    if (!rope.frequency_factors.empty())
      source.refuse("yarn beside rope_freqs.weight: config.json cannot say so");
    return yarn(rope);
  }
  if (!rope.frequency_factors.empty()) {
    const auto llama3 = rope.factor == 1 ? llama3_of(rope) : std::nullopt;
    if (!llama3) return longrope(source, rope);
    return {{"rope_type", "llama3"},
            {"factor", llama3->factor},
            {"low_freq_factor", llama3->low_freq_factor},
            {"high_freq_factor", llama3->high_freq_factor},
            {"original_max_position_embeddings",
             static_cast<std::int64_t>(llama3->original_max_position_embeddings)}};
  }
  if (rope.rope_type == RopeType::linear && rope.factor != 1)
    return {{"rope_type", "linear"}, {"factor", shortest(rope.factor)}};
  return nullptr;
}

void put_rotation(const Source& source, Json& config) {
  const nn::RopeConfig rope = rope_of(source);
  const bool neox = source.architecture.name == "gpt_neox";
  const double share = static_cast<double>(rope.rotary_dim) / static_cast<double>(source.shape.E);
  config[neox ? "rotary_emb_base" : "rope_theta"] = shortest(rope.rope_theta);
  if (neox || source.architecture.name == "phi3")
    config[neox ? "rotary_pct" : "partial_rotary_factor"] = share;
  config["rope_scaling"] = scaling_of(source, rope);
  if (source.architecture.name == "phi3")
    config["original_max_position_embeddings"] =
        rope.original_max_position_embeddings > 0
            ? static_cast<std::int64_t>(rope.original_max_position_embeddings)
            : source.shape.longest;
}

void put_gpt2(const Source& source, Json& config) {
  const model::LmShape& shape = source.shape;
  config["n_embd"] = shape.D;
  config["n_layer"] = shape.L;
  config["n_head"] = shape.H;
  config["n_positions"] = shape.longest;
  config["n_ctx"] = shape.longest;
  config["n_inner"] = shape.F == 4 * shape.D ? Json() : Json(shape.F);
  config["layer_norm_epsilon"] = shortest(source.numbers().positive("layer_norm_eps"));
  config["activation_function"] = "gelu_new";
}

void put_sizes(const Source& source, Json& config) {
  const model::LmShape& shape = source.shape;
  config["hidden_size"] = shape.D;
  config["intermediate_size"] = shape.F;
  config["num_hidden_layers"] = shape.L;
  config["num_attention_heads"] = shape.H;
  config["max_position_embeddings"] = shape.longest;
}

void put_neox(const Source& source, Json& config) {
  put_sizes(source, config);
  config["layer_norm_eps"] = shortest(source.numbers().positive("layer_norm_eps"));
  config["hidden_act"] = "gelu";
  config["use_parallel_residual"] = source.numbers().flag("use_parallel_residual", true);
  config["attention_bias"] = source.takes("gpt_neox.layers.0.attention.query_key_value.bias");
}

/// The window of some layers, or none: what the family's files say of it.
void put_windows(const Source& source, Json& config) {
  const Config& numbers = source.numbers();
  const std::string_view family = source.architecture.name;
  const Json* const window = numbers.find("sliding_window");
  const bool has_window = window != nullptr && *window != 0;
  if (family == "mistral" || family == "phi3")
    config["sliding_window"] = has_window ? Json(numbers.size("sliding_window")) : Json();
  if (family != "gemma2" && family != "gemma3") return;
  const std::int64_t period = family == "gemma2" ? 2 : numbers.size("sliding_window_pattern", 6);
  Json types = Json::array();
  for (std::int64_t layer = 1; layer <= source.shape.L; ++layer)
    types.push_back(!has_window || layer % period == 0 ? "full_attention" : "sliding_attention");
  config["sliding_window"] = has_window ? numbers.size("sliding_window") : source.shape.longest;
  config["layer_types"] = std::move(types);
  if (family == "gemma3") config["sliding_window_pattern"] = period;
}

void put_gemma(const Source& source, Json& config) {
  const Config& numbers = source.numbers();
  Json scalar = usual_query_scalar(source);
  if (numbers.find("attention_scale") != nullptr) {
    const double found = std::pow(numbers.positive("attention_scale"), -2);
    const double whole = std::round(found);  // GGUF rounds the root to f32; most are whole
    const bool is_whole = std::abs(found - whole) < 1e-5 * whole;
    scalar = is_whole ? Json(static_cast<std::int64_t>(whole)) : Json(found);
  }
  config["query_pre_attn_scalar"] = scalar;
  config["hidden_activation"] = "gelu_pytorch_tanh";
  for (const char* cap : {"attn_logit_softcapping", "final_logit_softcapping"})
    config[cap] = numbers.find(cap) ? Json(shortest(numbers.positive(cap))) : Json();
  if (source.architecture.name == "gemma3")
    config["rope_local_base_freq"] = shortest(numbers.positive("rope_local_base_freq", 1e4));
}

void put_llama_like(const Source& source, Json& config) {
  const model::LmShape& shape = source.shape;
  const std::string_view family = source.architecture.name;
  const bool gemma = family == "gemma2" || family == "gemma3";
  put_sizes(source, config);
  config["num_key_value_heads"] = shape.G;
  config["head_dim"] = shape.E;
  config["rms_norm_eps"] = shortest(source.numbers().positive("rms_norm_eps"));
  if (!gemma) config["hidden_act"] = "silu";
  const auto has = [&](std::string_view part) {
    return source.takes(fmt::format("model.layers.0.{}.bias", part));
  };
  const bool qkv = has("self_attn.q_proj"), o = has("self_attn.o_proj");
  const bool usual = family == "qwen2"                        ? !o
                     : family == "llama" || family == "qwen3" ? qkv == o
                                                              : !qkv && !o;
  if (!usual || (has("mlp.up_proj") && family != "llama"))
    source.refuse(fmt::format("its biases have no place in {}", source.architecture.hub_class));
  if (family == "llama" || family == "qwen3") config["attention_bias"] = qkv;
  if (family == "llama") config["mlp_bias"] = has("mlp.up_proj");
  put_windows(source, config);
  if (gemma) put_gemma(source, config);
}

}  // namespace

Json hub_config(const Source& source, DType type) {
  const std::string_view family = source.architecture.name;
  Json config = {{"architectures", {std::string(source.architecture.hub_class)}},
                 {"model_type", std::string(source.architecture.in(Names::hub))},
                 {"torch_dtype", std::string(name_of_type(type))},
                 {"vocab_size", source.shape.V},
                 {"tie_word_embeddings", source.is_tied()}};
  if (family == "gpt2") {
    put_gpt2(source, config);
  } else if (family == "gpt_neox") {
    put_neox(source, config);
  } else {
    put_llama_like(source, config);
  }
  if (family != "gpt2") put_rotation(source, config);
  return config;
}

}  // namespace pomona::convert
