// Mistral 7B (Jiang et al. 2023, arXiv:2310.06825): Llama with attention over a sliding window
// (section 2), which later versions leave out. GGUF files of it declare the architecture "llama".
#include "model/llama.h"

namespace pomona::model {

std::unique_ptr<CausalLm> load_mistral(const Checkpoint& checkpoint) {
  LlamaConfig config = LlamaConfig::from(checkpoint);
  check_silu(checkpoint.config);
  read_windows(checkpoint.config, config);
  return load_llama_like<Llama>(checkpoint, config, llama_block_names(config, GgufRows::paired));
}

}  // namespace pomona::model
