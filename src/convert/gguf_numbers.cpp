#include <algorithm>
#include <cmath>
#include <string>

#include "base/quote.h"
#include "convert/numbers.h"
#include "model/gemma.h"
#include "model/rope_config.h"

namespace pomona::convert {
namespace {

using nn::RopeType;

/// How many layers lie from one that sees everything to the next, where others have a window; 0:
/// all have one. Of families without windows there is none.
std::optional<std::int64_t> usual_period(const Source& source) {
  const std::string_view family = source.architecture.name;
  if (family == "mistral" || family == "phi3") return 0;
  if (family == "gemma2") return 2;
  if (family == "gemma3") return source.numbers().size("sliding_window_pattern", 6);
  return std::nullopt;
}

struct Windows {
  std::int64_t size = 0;  // 0: no layer has one
  std::int64_t period = 0;
};

/// Throws unsupported for windows in other layers than the family's files usually have them, since
/// GGUF does not tell layers apart.
Windows stored_windows(const Source& source) {
  const Config& numbers = source.numbers();
  const std::optional<std::int64_t> usual = usual_period(source);
  if (!usual && numbers.flag("use_sliding_window", false))
    source.refuse("use_sliding_window: GGUF cannot say which layers have a window");
  const Json* const window = numbers.find("sliding_window");
  if (!usual || window == nullptr || *window == 0) return {};
  Windows windows{numbers.size("sliding_window"), *usual};
  if (numbers.find("layer_types") == nullptr) return windows;
  const std::vector<std::string> types = numbers.texts("layer_types");
  const auto full = std::find(types.begin(), types.end(), "full_attention");
  if (std::all_of(types.begin(), types.end(), [](const auto& t) { return t == "full_attention"; }))
    return {};
  if (source.architecture.name == "gemma3" && full != types.end())
    windows.period = full - types.begin() + 1;
  for (std::size_t i = 0; i < types.size(); ++i) {
    const bool sees_all =
        windows.period > 0 && static_cast<std::int64_t>(i + 1) % windows.period == 0;
    if ((types[i] == "full_attention") != sees_all)
      source.refuse(fmt::format("layer_types: GGUF cannot say that layer {} has {}", i,
                                quote_name(types[i])));
  }
  return windows;
}

/// Readers of GGUF take a Gemma 2 that tells no window to have its usual one, so one that holds the
/// whole context says that there is none.
Windows windows_of(const Source& source) {
  const Windows stored = stored_windows(source);
  if (source.architecture.name != "gemma2" || stored.size > 0) return stored;
  return {source.shape.longest, 2};
}

/// Readers of GGUF take a Gemma 2 that tells no caps to have its usual ones, and know of none on
/// the scores of a Gemma 3.
void write_caps(const Source& source, const std::string& prefix, GgufKeys& keys) {
  const std::string_view family = source.architecture.name;
  const Config& numbers = source.numbers();
  for (const char* cap : {"attn_logit_softcapping", "final_logit_softcapping"}) {
    const bool found = numbers.find(cap) != nullptr;
    if (family == "gemma2" && !found)
      source.refuse(fmt::format("{} is null: GGUF cannot say so, its {} has one", cap, family));
    if (family == "gemma3" && found && std::string_view(cap).starts_with("attn"))
      source.refuse(fmt::format("{}: GGUF cannot say so, its {} has none", cap, family));
    if (found) keys.real(prefix + cap, numbers.positive(cap));
  }
}

/// GGUF does not tell the activation: each family has its usual one.
void check_activation(const Source& source) {
  const Config& numbers = source.numbers();
  const std::string_view family = source.architecture.name;
  const auto check = [&](std::string_view name, std::initializer_list<std::string_view> usual) {
    const std::string found = numbers.text(name, *usual.begin());
    if (std::find(usual.begin(), usual.end(), found) == usual.end())
      source.refuse(fmt::format("{} {}: GGUF cannot say so, its {} has {}", numbers.key_of(name),
                                quote_name(found), family, *usual.begin()));
  };
  if (family == "gemma2" || family == "gemma3")
    check("hidden_activation", {"gelu_pytorch_tanh", "gelu_new", "gelu_fast"});
  if (family == "gpt2") check("hidden_act", {"gelu_new", "gelu_pytorch_tanh", "gelu_fast"});
  if (family == "gpt_neox") check("hidden_act", {"gelu"});
  if (!numbers.flag("scale_attn_weights", true) ||
      numbers.flag("scale_attn_by_inverse_layer_idx", false))
    source.refuse("GGUF cannot say that attention is scaled in another way than usual");
}

/// Where Gemma's scores are scaled in another way than readers of GGUF take as given.
std::optional<double> query_scale(const Source& source) {
  const std::string_view family = source.architecture.name;
  if (family != "gemma2" && family != "gemma3") return std::nullopt;
  const double found = source.numbers().positive("query_pre_attn_scalar");
  if (found == static_cast<double>(usual_query_scalar(source))) return std::nullopt;
  return 1 / std::sqrt(found);
}

/// llama.cpp takes factors of single frequencies only in these families.
void check_factors(const Source& source, const nn::RopeConfig& rope) {
  const std::string_view family = source.architecture.name;
  const bool llama = family == "llama" || family == "mistral";
  const bool longrope = rope.rope_type == RopeType::longrope;
  if (longrope ? !llama && family != "phi3" : rope.rope_type == RopeType::llama3 && !llama)
    source.refuse(fmt::format("rope_type {}: GGUF cannot say so of {}",
                              longrope ? "longrope" : "llama3", family));
}

void write_scaling(const Source& source, const std::string& prefix, GgufKeys& keys) {
  const nn::RopeConfig rope = rope_of(source);
  const std::string scaling = prefix + "rope.scaling.";
  check_factors(source, rope);
  if (rope.rope_type == RopeType::longrope && source.architecture.name != "phi3")
    keys.text(scaling + "type", "longrope");
  if (rope.rope_type == RopeType::linear || rope.rope_type == RopeType::yarn) {
    keys.text(scaling + "type", rope.rope_type == RopeType::linear ? "linear" : "yarn");
    keys.real(scaling + "factor", rope.factor);
  }
  if (rope.rope_type == RopeType::yarn || rope.rope_type == RopeType::longrope)
    keys.count(scaling + "original_context_length",
               static_cast<std::int64_t>(rope.original_max_position_embeddings));
  if (rope.rope_type == RopeType::longrope)
    keys.real(scaling + "attn_factor", nn::rope_frequencies(rope).attention_factor);
  if (rope.rope_type != RopeType::yarn) return;
  if (!rope.truncate) source.refuse("yarn's truncate = false: GGUF cannot say so");
  keys.real(scaling + "yarn_beta_fast", rope.beta_fast);
  keys.real(scaling + "yarn_beta_slow", rope.beta_slow);
  if (rope.attention_factor) keys.real(scaling + "yarn_attn_factor", *rope.attention_factor);
  if (rope.mscale == 0 || rope.mscale_all_dim == 0 || rope.attention_factor) return;
  if (rope.mscale != 1)
    source.refuse(fmt::format("yarn's mscale is {}: GGUF can only say 1", rope.mscale));
  keys.real(scaling + "yarn_log_multiplier", rope.mscale_all_dim);
}

void write_rotation(const Source& source, const std::string& prefix, GgufKeys& keys) {
  const Config& numbers = source.numbers();
  const nn::RopeConfig rope = rope_of(source);
  keys.count(prefix + "rope.dimension_count", rope.rotary_dim);
  keys.real(prefix + "rope.freq_base", rope.rope_theta);
  write_scaling(source, prefix, keys);
  if (source.architecture.name != "gemma3") return;
  nn::RopeConfig local{.rope_theta = numbers.positive("rope_local_base_freq", 1e4)};
  if (const auto kinds = numbers.section("rope_parameters");
      kinds && kinds->has("sliding_attention"))
    local = model::read_rope(source.checkpoint(), source.shape.E, "sliding_attention");
  if (local.rope_type != RopeType::plain)
    source.refuse("GGUF cannot say that the layers with a window stretch their rotation");
  keys.real(prefix + "rope.freq_base_swa", local.rope_theta);
}

/// As llama.cpp numbers whole files (llama.h, llama_ftype).
std::int64_t file_type(DType type) {
  if (type == DType::f32) return 0;
  return type == DType::f16 ? 1 : 32;
}

}  // namespace

std::int64_t usual_query_scalar(const Source& source) {
  const bool second = source.architecture.name == "gemma2";
  return model::usual_query_scalar(
      source.shape, second ? model::kLayersOfLargestGemma2 : model::kLayersOfLargestGemma3);
}

nn::RopeConfig rope_of(const Source& source) {
  const std::string_view family = source.architecture.name;
  const bool kinds = family == "gemma2" || family == "gemma3";
  nn::RopeConfig rope =
      model::read_rope(source.checkpoint(), source.shape.E, kinds ? "full_attention" : "");
  if (rope.rotary_dim != source.shape.E && family != "phi3" && family != "gpt_neox")
    source.refuse(fmt::format(
        "{} of the {} values of a head turn: the other kind of file cannot say so of {}",
        rope.rotary_dim, source.shape.E, family));
  return rope;
}

void write_gguf_numbers(const Source& source, DType type, GgufKeys& keys) {
  check_activation(source);
  const Config& numbers = source.numbers();
  const model::LmShape& shape = source.shape;
  const std::string_view family = source.architecture.name;
  const std::string architecture(source.architecture.in(Names::gguf));
  const std::string prefix = architecture + ".";
  keys.text("general.architecture", architecture);
  keys.text("general.type", "model");
  keys.text("general.name", source.files.name);
  if (!source.files.licence.empty()) keys.text("general.license", source.files.licence);
  keys.count("general.file_type", file_type(type));
  keys.count("general.quantization_version", 2);

  keys.count(prefix + "vocab_size", shape.V);
  keys.count(prefix + "context_length", shape.longest);
  keys.count(prefix + "embedding_length", shape.D);
  keys.count(prefix + "block_count", shape.L);
  keys.count(prefix + "feed_forward_length", shape.F);
  keys.count(prefix + "attention.head_count", shape.H);
  keys.count(prefix + "attention.head_count_kv", shape.G);
  if (family == "gpt2" || family == "gpt_neox") {
    keys.real(prefix + "attention.layer_norm_epsilon", numbers.positive("layer_norm_eps"));
  } else {
    keys.real(prefix + "attention.layer_norm_rms_epsilon", numbers.positive("rms_norm_eps"));
    keys.count(prefix + "attention.key_length", shape.E);
    keys.count(prefix + "attention.value_length", shape.E);
  }
  if (family != "gpt2") write_rotation(source, prefix, keys);
  if (family == "gpt_neox")
    keys.set(prefix + "use_parallel_residual", numbers.flag("use_parallel_residual", true));
  const Windows windows = windows_of(source);
  if (windows.size > 0) keys.count(prefix + "attention.sliding_window", windows.size);
  if (family == "gemma3" && windows.period > 0 && windows.period != 6)
    keys.count(prefix + "attention.sliding_window_pattern", windows.period);
  write_caps(source, prefix, keys);
  if (const auto scale = query_scale(source)) keys.real(prefix + "attention.scale", *scale);
}

std::vector<std::string> gguf_notes(const Source& source) {
  const std::string_view family = source.architecture.name;
  std::vector<std::string> notes;
  if (query_scale(source))
    notes.emplace_back("llama.cpp does not read attention.scale (query_pre_attn_scalar)");
  const std::int64_t window = windows_of(source).size;
  if (window > 0 && window < source.shape.longest && (family == "mistral" || family == "phi3"))
    notes.push_back(fmt::format(
        "llama.cpp leaves out the window of {} tokens: longer texts are answered in another way",
        window));
  if (family == "gpt_neox") notes.emplace_back("llama.cpp computes GELU by its tanh form");
  if (family == "gpt2" || rope_of(source).rope_type != RopeType::yarn) return notes;
  const nn::RopeConfig rope = rope_of(source), usual;
  if (rope.attention_factor || rope.mscale_all_dim != 0 || rope.beta_fast != usual.beta_fast ||
      rope.beta_slow != usual.beta_slow)
    notes.emplace_back(
        "llama.cpp does not read all of yarn's numbers (attention_factor, mscale, beta)");
  return notes;
}

std::vector<store::TensorOutput> rope_tensors(const Source& source) {
  std::vector<store::TensorOutput> tensors;
  if (source.architecture.name == "gpt2") return tensors;
  const auto add = [&](std::string name, const std::vector<double>& factors) {
    const Tensor values = Tensor::zeros({static_cast<std::int64_t>(factors.size())}, DType::f32);
    std::transform(factors.begin(), factors.end(), values.data<float>(),
                   [](double factor) { return static_cast<float>(factor); });
    tensors.push_back(store::output_of(std::move(name), values));
  };
  const nn::RopeConfig rope = rope_of(source);
  if (rope.rope_type == RopeType::llama3) {
    nn::RopeConfig plain = rope;
    plain.rope_type = RopeType::plain;
    std::vector<double> factors = nn::rope_frequencies(plain).per_position;
    const std::vector<double> stretched = nn::rope_frequencies(rope).per_position;
    std::transform(factors.begin(), factors.end(), stretched.begin(), factors.begin(),
                   std::divides<>());
    add("rope_freqs.weight", factors);
  } else if (rope.rope_type == RopeType::longrope) {
    model::Checkpoint checkpoint = source.checkpoint();
    add("rope_factors_short.weight", rope.frequency_factors);
    checkpoint.context = source.shape.longest;
    add("rope_factors_long.weight", model::read_rope(checkpoint, source.shape.E).frequency_factors);
  }
  return tensors;
}

}  // namespace pomona::convert
