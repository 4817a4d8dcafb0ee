#include "model/llama_config.h"

#include <algorithm>

#include "base/error.h"
#include "base/quote.h"
#include "model/decoder_config.h"
#include "model/rope_config.h"

namespace pomona::model {
namespace {

bool has_bias(const Checkpoint& checkpoint, std::string_view hub, std::string_view gguf) {
  return checkpoint.tensors.find(checkpoint.config.from_gguf() ? gguf : hub) != nullptr;
}

}  // namespace

LlamaConfig LlamaConfig::from(const Checkpoint& checkpoint, std::string_view turning) {
  const Config& numbers = checkpoint.config;
  const LmShape shape = read_shape(
      checkpoint, numbers.from_gguf() ? "token_embd.weight" : "model.embed_tokens.weight");
  LlamaConfig config;
  config.vocab_size = shape.V;
  config.hidden_size = shape.D;
  config.intermediate_size = shape.F;
  config.num_hidden_layers = shape.L;
  config.num_attention_heads = shape.H;
  config.num_key_value_heads = shape.G;
  config.head_dim = shape.E;
  config.context = config.max_position_embeddings = shape.context;
  config.rms_norm_eps = numbers.positive("rms_norm_eps");
  config.tie_word_embeddings = numbers.flag("tie_word_embeddings", false);
  config.rope = read_rope(checkpoint, config.head_dim, turning);
  if (config.rope.rope_type == nn::RopeType::longrope)
    config.context =
        std::min(config.max_position_embeddings,
                 std::max(checkpoint.context,
                          static_cast<std::int64_t>(config.rope.original_max_position_embeddings)));
  config.qkv_bias =
      has_bias(checkpoint, "model.layers.0.self_attn.q_proj.bias", "blk.0.attn_q.bias");
  config.o_bias =
      has_bias(checkpoint, "model.layers.0.self_attn.o_proj.bias", "blk.0.attn_output.bias");
  config.mlp_bias = has_bias(checkpoint, "model.layers.0.mlp.up_proj.bias", "blk.0.ffn_up.bias");
  config.windows.resize(static_cast<std::size_t>(config.num_hidden_layers));
  config.sliding.resize(config.windows.size());
  return config;
}

LmShape LlamaConfig::shape() const {
  return {
      vocab_size, hidden_size,       num_hidden_layers, num_attention_heads,    num_key_value_heads,
      head_dim,   intermediate_size, context,           max_position_embeddings};
}

void LlamaConfig::set_window(std::int64_t window, std::int64_t first, std::int64_t last) {
  for (std::int64_t layer = first; layer < std::min(last, num_hidden_layers); ++layer)
    windows[static_cast<std::size_t>(layer)] = window < context ? window : 0;
}

void read_windows(const Config& numbers, LlamaConfig& config, std::int64_t period) {
  const Json* const stored = numbers.find("sliding_window");
  const std::int64_t L = config.num_hidden_layers;
  const std::int64_t window =
      stored == nullptr || *stored == 0 ? 0 : numbers.size("sliding_window");
  std::vector<std::string> types(static_cast<std::size_t>(L), "sliding_attention");
  if (numbers.find("layer_types") != nullptr) {
    types = numbers.texts("layer_types");
  } else {
    for (std::int64_t layer = 1; layer <= L; ++layer) {
      if (window == 0 || (period > 0 && layer % period == 0))
        types[static_cast<std::size_t>(layer - 1)] = "full_attention";
    }
  }
  if (static_cast<std::int64_t>(types.size()) != L)
    fail(ErrorKind::bad_file, "{}: layer_types has {} layers, num_hidden_layers is {}",
         numbers.origin(), types.size(), L);
  for (std::int64_t layer = 0; layer < L; ++layer) {
    const std::string& type = types[static_cast<std::size_t>(layer)];
    if (type == "sliding_attention" && window > 0) {
      config.set_window(window, layer, layer + 1);
      config.sliding[static_cast<std::size_t>(layer)] = true;
    } else if (type != "full_attention") {
      fail(ErrorKind::unsupported, "{}: layers of {} with a sliding_window of {} are not supported",
           numbers.origin(), quote_name(type), window);
    }
  }
}

void read_upper_windows(const Config& numbers, LlamaConfig& config) {
  if (numbers.from_gguf()) {
    read_windows(numbers, config);
    if (std::any_of(config.windows.begin(), config.windows.end(), [](auto w) { return w > 0; }))
      fail(ErrorKind::unsupported, "{}: {} is not supported", numbers.origin(),
           numbers.key_of("sliding_window"));
  } else if (numbers.flag("use_sliding_window", false)) {
    read_windows(numbers, config);
    constexpr std::int64_t kFullLayers = 28;  // the default of transformers' Qwen2Config
    const Json* const full = numbers.find("max_window_layers");
    if (numbers.find("layer_types") == nullptr && (full == nullptr || *full != 0))
      config.set_window(0, 0, numbers.size("max_window_layers", kFullLayers));
  }
}

}  // namespace pomona::model
