#include "model/config.h"

#include <cmath>
#include <variant>

#include "base/error.h"

namespace pomona::model {
namespace {

/// A name of config.json and what follows the architecture's name in GGUF's key.
struct KeyName {
  std::string_view hub, gguf;
};

constexpr KeyName kNames[] = {
    {"vocab_size", "vocab_size"},
    {"hidden_size", "embedding_length"},
    {"intermediate_size", "feed_forward_length"},
    {"num_hidden_layers", "block_count"},
    {"num_attention_heads", "attention.head_count"},
    {"num_key_value_heads", "attention.head_count_kv"},
    {"head_dim", "attention.key_length"},
    {"max_position_embeddings", "context_length"},
    {"rms_norm_eps", "attention.layer_norm_rms_epsilon"},
    {"layer_norm_eps", "attention.layer_norm_epsilon"},
    {"rope_theta", "rope.freq_base"},
    {"sliding_window", "attention.sliding_window"},
    {"attn_logit_softcapping", "attn_logit_softcapping"},
    {"final_logit_softcapping", "final_logit_softcapping"},
    {"use_parallel_residual", "use_parallel_residual"},
    {"num_local_experts", "expert_count"},
    {"rope_local_base_freq", "rope.freq_base_swa"},
    {"sliding_window_pattern", "attention.sliding_window_pattern"},
    // Only GGUF has these.
    {"attention_scale", "attention.scale"},
    {"causal", "attention.causal"},
    {"value_dim", "attention.value_length"},
    {"rope_dim", "rope.dimension_count"},
    {"rope_scaling_type", "rope.scaling.type"},
    {"rope_scaling_factor", "rope.scaling.factor"},
    {"rope_scale_linear", "rope.scale_linear"},
    {"rope_scaling_original", "rope.scaling.original_context_length"},
    {"rope_scaling_attention_factor", "rope.scaling.attn_factor"},
    {"rope_scaling_yarn_attention_factor", "rope.scaling.yarn_attn_factor"},
    {"rope_scaling_extrapolation", "rope.scaling.yarn_ext_factor"},
    {"rope_scaling_beta_fast", "rope.scaling.yarn_beta_fast"},
    {"rope_scaling_beta_slow", "rope.scaling.yarn_beta_slow"},
    {"rope_scaling_log_multiplier", "rope.scaling.yarn_log_multiplier"},
};

/// What the config.json of older families calls it, and what the others do.
struct OldName {
  std::string_view old, name;
};

constexpr OldName kOldNames[] = {
    {"n_embd", "hidden_size"},
    {"n_inner", "intermediate_size"},
    {"n_layer", "num_hidden_layers"},
    {"n_head", "num_attention_heads"},
    {"n_positions", "max_position_embeddings"},
    {"layer_norm_epsilon", "layer_norm_eps"},
    {"activation_function", "hidden_act"},
    {"rotary_emb_base", "rope_theta"},
    {"rotary_pct", "partial_rotary_factor"},
    {"_sliding_window_pattern", "sliding_window_pattern"},
};

/// A metadata value as JSON; arrays, which no name here has, as null.
Json json_of(const store::GgufValue& value) {
  return std::visit(
      [](const auto& plain) -> Json {
        using T = std::remove_cvref_t<decltype(plain)>;
        if constexpr (std::is_same_v<T, store::GgufArray>) {
          return Json::array();
        } else if constexpr (std::is_same_v<T, std::string_view>) {
          return std::string(plain);
        } else {
          return plain;
        }
      },
      value);
}

/// A value as errors show it.
std::string shown(const Json& value) {
  if (value.is_number_float()) return fmt::format("{}", value.get<double>());
  return value.is_structured() ? "a list" : value.dump();
}

}  // namespace

Config::Config(Json values, std::string origin)
    : values_(std::move(values)), origin_(std::move(origin)) {
  if (!values_.is_object())
    fail(ErrorKind::bad_file, "{}: expected an object with the model's numbers", origin_);
  for (const OldName& known : kOldNames) {
    if (find(known.old) != nullptr && !has(known.name))
      values_[std::string(known.name)] = *find(known.old);
  }
  // Newer files have the base and the scaling of the rotation in one object.
  const Json rope = values_.value("rope_parameters", Json());
  if (!rope.is_object()) return;
  if (rope.contains("rope_theta")) values_["rope_theta"] = rope.at("rope_theta");
  if (rope.contains("rope_type") && rope.at("rope_type") != "default")
    values_["rope_scaling"] = rope;
}

Config::Config(const store::GgufMetadata& metadata)
    : values_(Json::object()),
      origin_(metadata.origin()),
      prefix_(metadata.string("general.architecture")) {
  for (const KeyName& name : kNames) {
    if (const store::GgufValue* value = metadata.find(prefix_ + "." + std::string(name.gguf)))
      values_[std::string(name.hub)] = json_of(*value);
  }
}

Config Config::with_defaults(const Json& defaults) const {
  Config complete = *this;
  for (const auto& [name, value] : defaults.items()) {
    if (!has(name)) complete.values_[name] = value;
  }
  return complete;
}

std::string Config::key_of(std::string_view name) const {
  if (!from_gguf()) {
    for (const OldName& known : kOldNames) {
      if (known.name == name && has(known.old)) return std::string(known.old);
    }
    return std::string(name);
  }
  for (const KeyName& known : kNames) {
    if (known.hub == name) return prefix_ + "." + std::string(known.gguf);
  }
  return prefix_ + "." + std::string(name);
}

const Json* Config::find(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() || found->is_null() ? nullptr : &*found;
}

const Json& Config::require(std::string_view name, const char* expected) const {
  if (const Json* value = find(name)) return *value;
  fail(ErrorKind::bad_file, "{}: {} is missing, expected {}", origin_, key_of(name), expected);
}

std::int64_t Config::size(std::string_view name) const {
  constexpr std::uint64_t kLargest = 1 << 24;
  const Json& value = require(name, "a whole number");
  if (!value.is_number_integer())
    fail(ErrorKind::bad_file, "{}: {} is {}, expected a whole number", origin_, key_of(name),
         shown(value));
  const bool negative = !value.is_number_unsigned() && value.get<std::int64_t>() < 0;
  if (negative || value.get<std::uint64_t>() == 0 || value.get<std::uint64_t>() > kLargest)
    fail(ErrorKind::bad_file, "{}: {} is {}, expected 1 to {}", origin_, key_of(name), shown(value),
         kLargest);
  return value.get<std::int64_t>();
}

std::int64_t Config::size(std::string_view name, std::int64_t fallback) const {
  return find(name) != nullptr ? size(name) : fallback;
}

double Config::positive(std::string_view name) const {
  const Json& value = require(name, "a number above 0");
  const double number = value.is_number() ? value.get<double>() : -1;
  if (!(number > 0) || !std::isfinite(number))
    fail(ErrorKind::bad_file, "{}: {} is {}, expected a number above 0", origin_, key_of(name),
         shown(value));
  return number;
}

double Config::positive(std::string_view name, double fallback) const {
  return find(name) != nullptr ? positive(name) : fallback;
}

std::vector<double> Config::positives(std::string_view name) const {
  const Json& list = require(name, "a list of numbers above 0");
  std::vector<double> values;
  for (const Json& value : list.is_array() ? list : Json::array({nullptr})) {
    values.push_back(value.is_number() ? value.get<double>() : -1);
    if (!(values.back() > 0) || !std::isfinite(values.back()))
      fail(ErrorKind::bad_file, "{}: {} is not a list of numbers above 0", origin_, key_of(name));
  }
  return values;
}

std::vector<std::string> Config::texts(std::string_view name) const {
  const Json& list = require(name, "a list of texts");
  std::vector<std::string> values;
  for (const Json& value : list.is_array() ? list : Json::array({nullptr})) {
    if (!value.is_string())
      fail(ErrorKind::bad_file, "{}: {} is not a list of texts", origin_, key_of(name));
    values.push_back(value.get<std::string>());
  }
  return values;
}

std::optional<Config> Config::section(std::string_view name) const {
  const Json* const value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_object())
    fail(ErrorKind::bad_file, "{}: {} is {}, expected an object", origin_, key_of(name),
         shown(*value));
  return Config(*value, origin_ + ": " + key_of(name));
}

std::vector<std::string> Config::keys() const {
  std::vector<std::string> names;
  for (const auto& [name, value] : values_.items()) {
    if (!value.is_null()) names.push_back(name);
  }
  return names;
}

bool Config::flag(std::string_view name, bool fallback) const {
  const Json* const value = find(name);
  if (value == nullptr) return fallback;
  if (!value->is_boolean())
    fail(ErrorKind::bad_file, "{}: {} is {}, expected true or false", origin_, key_of(name),
         shown(*value));
  return value->get<bool>();
}

std::string Config::text(std::string_view name, std::string_view fallback) const {
  const Json* const value = find(name);
  if (value == nullptr) return std::string(fallback);
  if (!value->is_string())
    fail(ErrorKind::bad_file, "{}: {} is {}, expected a text", origin_, key_of(name),
         shown(*value));
  return value->get<std::string>();
}

void Config::check_divides(std::string_view whole_name, std::int64_t whole,
                           std::string_view part_name, std::int64_t part) const {
  if (whole % part != 0)
    fail(ErrorKind::bad_file, "{}: {} is {}, expected a multiple of {}, which is {}", origin_,
         key_of(whole_name), whole, key_of(part_name), part);
}

}  // namespace pomona::model
