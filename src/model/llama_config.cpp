#include "model/llama_config.h"

#include <algorithm>

#include "base/error.h"
#include "base/quote.h"
#include "model/rope_config.h"

namespace pomona::model {
namespace {

void read_sizes(const Checkpoint& checkpoint, LlamaConfig& config) {
  const Config& numbers = checkpoint.config;
  const std::int64_t D = config.hidden_size = numbers.size("hidden_size");
  config.intermediate_size = numbers.size("intermediate_size");
  config.num_hidden_layers = numbers.size("num_hidden_layers");
  const std::size_t tensors = checkpoint.tensors.tensors().size();
  if (static_cast<std::size_t>(config.num_hidden_layers) > tensors)
    fail(ErrorKind::bad_file, "{}: {} is {}, but there are {} tensors in all", numbers.origin(),
         numbers.key_of("num_hidden_layers"), config.num_hidden_layers, tensors);
  const std::int64_t H = config.num_attention_heads = numbers.size("num_attention_heads");
  const std::int64_t G = config.num_key_value_heads = numbers.size("num_key_value_heads", H);
  numbers.check_divides("num_attention_heads", H, "num_key_value_heads", G);
  if (numbers.find("head_dim") == nullptr)
    numbers.check_divides("hidden_size", D, "num_attention_heads", H);
  config.head_dim = numbers.size("head_dim", D / H);
  config.max_position_embeddings = numbers.size("max_position_embeddings");
  const store::StoredTensor& table = checkpoint.tensors.at(
      numbers.from_gguf() ? "token_embd.weight" : "model.embed_tokens.weight");
  config.vocab_size = table.shape.empty() ? 0 : table.shape.front();
}

void check_variant(const Config& numbers, const LlamaConfig& config) {
  for (const std::string_view name : {"num_local_experts", "num_experts"}) {
    if (const Json* const experts = numbers.find(name); experts && *experts != 0)
      fail(ErrorKind::unsupported, "{}: a mixture of {} experts is not supported", numbers.origin(),
           experts->dump());
  }
  if (numbers.find("quantization_config") != nullptr)
    fail(ErrorKind::unsupported, "{}: quantization_config is not supported, only plain weights",
         numbers.origin());
  if (const std::int64_t E = config.head_dim; E % 16 != 0 || E > 256)
    fail(ErrorKind::unsupported,
         "{}: heads of {} values are not supported, only multiples of 16 up to 256",
         numbers.origin(), E);
  if (const std::int64_t found = numbers.size("value_dim", config.head_dim);
      found != config.head_dim)
    fail(ErrorKind::unsupported, "{}: {} is {}, only the size of the heads, {}, is supported",
         numbers.origin(), numbers.key_of("value_dim"), found, config.head_dim);
}

bool has_bias(const Checkpoint& checkpoint, std::string_view hub, std::string_view gguf) {
  return checkpoint.tensors.find(checkpoint.config.from_gguf() ? gguf : hub) != nullptr;
}

}  // namespace

LlamaConfig LlamaConfig::from(const Checkpoint& checkpoint) {
  const Config& numbers = checkpoint.config;
  LlamaConfig config;
  read_sizes(checkpoint, config);
  config.rms_norm_eps = numbers.positive("rms_norm_eps");
  config.tie_word_embeddings = numbers.flag("tie_word_embeddings", false);
  check_variant(numbers, config);
  config.rope = read_rope(checkpoint, config.head_dim);
  if (config.rope.rope_type == nn::RopeType::longrope)
    config.max_position_embeddings =
        std::min(config.max_position_embeddings,
                 static_cast<std::int64_t>(config.rope.original_max_position_embeddings));
  config.qkv_bias =
      has_bias(checkpoint, "model.layers.0.self_attn.q_proj.bias", "blk.0.attn_q.bias");
  config.o_bias =
      has_bias(checkpoint, "model.layers.0.self_attn.o_proj.bias", "blk.0.attn_output.bias");
  config.mlp_bias = has_bias(checkpoint, "model.layers.0.mlp.up_proj.bias", "blk.0.ffn_up.bias");
  config.windows.resize(static_cast<std::size_t>(config.num_hidden_layers));
  return config;
}

LmShape LlamaConfig::shape() const {
  return {vocab_size,          hidden_size, num_hidden_layers, num_attention_heads,
          num_key_value_heads, head_dim,    intermediate_size, max_position_embeddings};
}

void LlamaConfig::set_window(std::int64_t window, std::int64_t first, std::int64_t last) {
  for (std::int64_t layer = first; layer < std::min(last, num_hidden_layers); ++layer)
    windows[static_cast<std::size_t>(layer)] = window < max_position_embeddings ? window : 0;
}

void read_windows(const Config& numbers, LlamaConfig& config) {
  const Json* const stored = numbers.find("sliding_window");
  const std::int64_t L = config.num_hidden_layers;
  const std::int64_t window =
      stored == nullptr || *stored == 0 ? 0 : numbers.size("sliding_window");
  if (numbers.find("layer_types") == nullptr) {
    if (window > 0) config.set_window(window, 0, L);
    return;
  }
  const std::vector<std::string> types = numbers.texts("layer_types");
  if (static_cast<std::int64_t>(types.size()) != L)
    fail(ErrorKind::bad_file, "{}: layer_types has {} layers, num_hidden_layers is {}",
         numbers.origin(), types.size(), L);
  for (std::int64_t layer = 0; layer < L; ++layer) {
    const std::string& type = types[static_cast<std::size_t>(layer)];
    if (type == "sliding_attention" && window > 0) {
      config.set_window(window, layer, layer + 1);
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
