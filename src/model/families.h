// Loaders of the decoder families: each is a file of its own. They throw bad_file for missing or
// impossible values and tensors, unsupported for what a checkpoint asks for and the file does not
// describe.
#pragma once
#include <memory>

#include "model/causal_lm.h"
#include "model/checkpoint.h"

namespace pomona::model {

std::unique_ptr<CausalLm> load_gemma2(const Checkpoint& checkpoint);
std::unique_ptr<CausalLm> load_gemma3(const Checkpoint& checkpoint);
std::unique_ptr<CausalLm> load_gpt2(const Checkpoint& checkpoint);
std::unique_ptr<CausalLm> load_gpt_neox(const Checkpoint& checkpoint);
std::unique_ptr<CausalLm> load_llama(const Checkpoint& checkpoint);
std::unique_ptr<CausalLm> load_mistral(const Checkpoint& checkpoint);
std::unique_ptr<CausalLm> load_phi3(const Checkpoint& checkpoint);
std::unique_ptr<CausalLm> load_qwen2(const Checkpoint& checkpoint);
std::unique_ptr<CausalLm> load_qwen3(const Checkpoint& checkpoint);

}  // namespace pomona::model
