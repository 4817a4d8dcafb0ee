// The numbers of the families that descend from Llama (Touvron et al. 2023, arXiv:2302.13971).
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "model/causal_lm.h"
#include "model/checkpoint.h"
#include "nn/rope.h"

namespace pomona::model {

/// Fields carry config.json's names.
struct LlamaConfig {
  std::int64_t vocab_size = 0;  // rows of the embedding
  std::int64_t hidden_size = 0;
  std::int64_t intermediate_size = 0;
  std::int64_t num_hidden_layers = 0;
  std::int64_t num_attention_heads = 0;
  std::int64_t num_key_value_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t max_position_embeddings = 0;
  std::int64_t context = 0;  // what of it the rotation is for
  double rms_norm_eps = 1e-5;
  bool tie_word_embeddings = false;
  nn::RopeConfig rope;
  bool qkv_bias = false, o_bias = false, mlp_bias = false;
  bool qk_norm = false;  // of each head's queries and keys
  /// For each layer the number of positions that a row sees, itself included; 0: all before it.
  std::vector<std::int64_t> windows;
  /// The layers that have a window, even one that holds the whole context.
  std::vector<bool> sliding;

  /// The sizes, the rotation (of layers of the kind `turning`, see read_rope) and whether there are
  /// biases; no windows. Throws bad_file for missing or impossible values, unsupported for variants
  /// that no family here has.
  static LlamaConfig from(const Checkpoint& checkpoint, std::string_view turning = {});

  LmShape shape() const;

  /// The same window in layers first.. last - 1. One that holds the whole context is none.
  void set_window(std::int64_t window, std::int64_t first, std::int64_t last);
};

/// `sliding_window` in the layers that `layer_types` names, else in all of them, or all but each
/// `period`-th. Throws bad_file, and unsupported for other types of layers.
void read_windows(const Config& numbers, LlamaConfig& config, std::int64_t period = 0);

/// Qwen's: in the layers from `max_window_layers` on, and only where `use_sliding_window` says so.
/// Throws as read_windows, and unsupported for windows in GGUF files, which do not tell the layers.
void read_upper_windows(const Config& numbers, LlamaConfig& config);

}  // namespace pomona::model
