// Qwen 3 (Yang et al. 2025, arXiv:2505.09388, section 2): Qwen 2 without biases, with each head's
// queries and keys normalised.
#include "model/llama.h"

namespace pomona::model {

std::unique_ptr<CausalLm> load_qwen3(const Checkpoint& checkpoint) {
  LlamaConfig config = LlamaConfig::from(checkpoint);
  check_silu(checkpoint.config);
  config.qk_norm = true;
  read_upper_windows(checkpoint.config, config);
  return load_llama_like<Llama>(checkpoint, config, llama_block_names(config, GgufRows::as_hub));
}

}  // namespace pomona::model
