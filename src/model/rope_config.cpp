#include "model/rope_config.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/error.h"
#include "base/quote.h"

namespace pomona::model {
namespace {

constexpr std::string_view kFactors = "rope_freqs.weight";
constexpr std::string_view kShortFactors = "rope_factors_short.weight";
constexpr std::string_view kLongFactors = "rope_factors_long.weight";

/// What f() gives; its errors are the file's, which is named before them.
template <class F>
auto of_file(const Config& numbers, F&& f) {
  try {
    return f();
  } catch (const Error& error) {
    const bool value = error.kind() == ErrorKind::bad_argument;
    fail(value ? ErrorKind::bad_file : error.kind(), "{}: {}", numbers.origin(), error.what());
  }
}

void check_size(const nn::RopeConfig& rope, std::string_view name, std::int64_t found,
                const std::string& origin) {
  if (found != rope.rotary_dim / 2)
    fail(ErrorKind::bad_file, "{}: tensor {} has the shape ({}), the metadata asks for ({})",
         origin, name, found, rope.rotary_dim / 2);
}

/// Whether the context asked for needs the long factors of LongRoPE.
bool is_long(const Checkpoint& checkpoint, const nn::RopeConfig& rope) {
  return static_cast<double>(checkpoint.context) > rope.original_max_position_embeddings;
}

void read_factors_of_gguf(const Checkpoint& checkpoint, nn::RopeConfig& rope) {
  for (const std::string_view name :
       {kFactors, is_long(checkpoint, rope) ? kLongFactors : kShortFactors}) {
    const store::StoredTensor* const stored = checkpoint.tensors.find(name);
    if (stored == nullptr) continue;
    check_size(rope, name, stored->elements(), checkpoint.tensors.origin());
    const Tensor values = stored->decoded();
    for (std::int64_t i = 0; i < values.elements(); ++i) {
      const auto factor = static_cast<double>(values.data<float>()[i]);
      if (!(factor > 0) || !std::isfinite(factor))
        fail(ErrorKind::bad_file, "{}: {} has {}, expected numbers above 0",
             checkpoint.tensors.origin(), name, factor);
      rope.frequency_factors.push_back(factor);
    }
    return;
  }
}

/// The type is "linear" where it is left out, and there is an older name of its factor.
nn::RopeConfig read_gguf(const Checkpoint& checkpoint, nn::RopeConfig rope) {
  const Config& numbers = checkpoint.config;
  rope.rope_theta = numbers.positive("rope_theta", rope.rope_theta);
  rope.rope_type = of_file(
      numbers, [&] { return nn::parse_rope_type(numbers.text("rope_scaling_type", "linear")); });
  rope.factor = 1;
  for (const std::string_view name : {"rope_scale_linear", "rope_scaling_factor"}) {
    const Json* const factor = numbers.find(name);  // converters write 0 where there is none
    if (factor != nullptr && *factor != 0) rope.factor = numbers.positive(name);
  }
  rope.original_max_position_embeddings =
      numbers.positive("rope_scaling_original", numbers.positive("max_position_embeddings", 0));
  rope.beta_fast = numbers.positive("rope_scaling_beta_fast", rope.beta_fast);
  rope.beta_slow = numbers.positive("rope_scaling_beta_slow", rope.beta_slow);
  if (numbers.has("rope_scaling_log_multiplier")) {
    rope.mscale = 1;
    rope.mscale_all_dim = numbers.positive("rope_scaling_log_multiplier");
  }
  const bool yarn = rope.rope_type == nn::RopeType::yarn;
  const std::string_view attention =
      yarn ? "rope_scaling_yarn_attention_factor" : "rope_scaling_attention_factor";
  if (numbers.has(attention)) rope.attention_factor = numbers.positive(attention);
  if (yarn && numbers.positive("rope_scaling_attention_factor", 1) != 1)
    fail(ErrorKind::unsupported, "{}: {} beside yarn is not supported", numbers.origin(),
         numbers.key_of("rope_scaling_attention_factor"));
  if (const Json* const share = numbers.find("rope_scaling_extrapolation");
      share != nullptr && yarn && !(*share == 1 || *share < 0))
    fail(ErrorKind::unsupported, "{}: {} is {}, only 1 is supported", numbers.origin(),
         numbers.key_of("rope_scaling_extrapolation"), share->dump());
  read_factors_of_gguf(checkpoint, rope);
  if (checkpoint.tensors.find(kShortFactors) != nullptr) {
    rope.rope_type = nn::RopeType::longrope;
    if (!rope.attention_factor) rope.attention_factor = 1;
  }
  if (rope.attention_factor.value_or(1) != 1 && !yarn && rope.rope_type != nn::RopeType::longrope)
    fail(ErrorKind::unsupported, "{}: {} is {}, without yarn or longrope only 1 is supported",
         numbers.origin(), numbers.key_of(attention), *rope.attention_factor);
  return rope;
}

void check_keys(const Config& section) {
  constexpr std::string_view kKnown[] = {"rope_theta",
                                         "rope_type",
                                         "type",
                                         "factor",
                                         "low_freq_factor",
                                         "high_freq_factor",
                                         "beta_fast",
                                         "beta_slow",
                                         "original_max_position_embeddings",
                                         "mscale",
                                         "mscale_all_dim",
                                         "truncate",
                                         "attention_factor",
                                         "short_factor",
                                         "long_factor",
                                         "finetuned",
                                         "partial_rotary_factor"};
  for (const std::string& key : section.keys()) {
    if (std::find(std::begin(kKnown), std::end(kKnown), key) == std::end(kKnown))
      fail(ErrorKind::unsupported, "{}: {} is not supported", section.origin(), quote_name(key));
  }
}

/// The values of `rope_scaling` or `rope_parameters`.
void read_section(const Checkpoint& checkpoint, const Config& section, nn::RopeConfig& rope) {
  const Config& numbers = checkpoint.config;
  check_keys(section);
  rope.rope_type = of_file(section, [&] {
    return nn::parse_rope_type(section.text("rope_type", section.text("type", "default")));
  });
  if (rope.rope_type == nn::RopeType::plain) return;
  const double context = numbers.positive("max_position_embeddings");
  rope.original_max_position_embeddings =
      section.positive("original_max_position_embeddings",
                       numbers.positive("original_max_position_embeddings", context));
  if (rope.rope_type == nn::RopeType::longrope) {
    const double stretch = context / rope.original_max_position_embeddings;
    rope.factor = numbers.find("original_max_position_embeddings") != nullptr
                      ? stretch
                      : section.positive("factor", stretch);
    rope.frequency_factors =
        section.positives(is_long(checkpoint, rope) ? "long_factor" : "short_factor");
  } else {
    rope.factor = section.positive("factor");
  }
  if (rope.rope_type == nn::RopeType::llama3) {
    rope.low_freq_factor = section.positive("low_freq_factor");
    rope.high_freq_factor = section.positive("high_freq_factor");
  }
  rope.beta_fast = section.positive("beta_fast", rope.beta_fast);
  rope.beta_slow = section.positive("beta_slow", rope.beta_slow);
  rope.mscale = section.positive("mscale", rope.mscale);
  rope.mscale_all_dim = section.positive("mscale_all_dim", rope.mscale_all_dim);
  rope.truncate = section.flag("truncate", true);
  if (section.find("attention_factor") != nullptr)
    rope.attention_factor = section.positive("attention_factor");
}

nn::RopeConfig read_hub(const Checkpoint& checkpoint, std::string_view layers,
                        std::int64_t head_dim, nn::RopeConfig rope) {
  const Config& numbers = checkpoint.config;
  std::optional<Config> section = numbers.section("rope_parameters");
  if (section && !layers.empty()) section = section->section(layers);
  if (!section) section = numbers.section("rope_scaling");
  rope.rope_theta = numbers.positive("rope_theta", rope.rope_theta);
  // In other families the number says nothing: transformers turns whole heads there.
  const std::string family = numbers.text("model_type", "");
  const bool in_part = family == "phi3" || family == "gpt_neox";
  double share = in_part ? numbers.positive("partial_rotary_factor", 1) : 1;
  if (section) {
    rope.rope_theta = section->positive("rope_theta", rope.rope_theta);
    if (in_part) share = section->positive("partial_rotary_factor", share);
    read_section(checkpoint, *section, rope);
  }
  rope.rotary_dim = static_cast<std::int64_t>(static_cast<double>(head_dim) * std::min(share, 1.0));
  return rope;
}

}  // namespace

nn::RopeConfig read_rope(const Checkpoint& checkpoint, std::int64_t head_dim,
                         std::string_view layers) {
  const Config& numbers = checkpoint.config;
  nn::RopeConfig rope;
  rope.rotary_dim = numbers.size("rope_dim", head_dim);
  rope = numbers.from_gguf() ? read_gguf(checkpoint, rope)
                             : read_hub(checkpoint, layers, head_dim, rope);
  of_file(numbers, [&] { return nn::rope_frequencies(rope); });
  return rope;
}

void take_rope_weights(Weights& weights) {
  for (const std::string_view name : {kFactors, kShortFactors, kLongFactors})
    weights.pass_over_stored(name);
  weights.pass_over_stored("model.layers.{}.self_attn.rotary_emb.inv_freq");
}

}  // namespace pomona::model
