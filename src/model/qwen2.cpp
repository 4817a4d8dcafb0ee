// Qwen 2 and 2.5 (Yang et al. 2024, arXiv:2407.10671 and 2412.15115): Llama with biases in the maps
// to queries, keys and values (section 2.2.1), and windows in the upper layers where asked for.
#include "model/llama.h"

namespace pomona::model {

std::unique_ptr<CausalLm> load_qwen2(const Checkpoint& checkpoint) {
  LlamaConfig config = LlamaConfig::from(checkpoint);
  check_silu(checkpoint.config);
  config.qkv_bias = true;
  read_upper_windows(checkpoint.config, config);
  return load_llama_like<Llama>(checkpoint, config, llama_block_names(config, GgufRows::as_hub));
}

}  // namespace pomona::model
