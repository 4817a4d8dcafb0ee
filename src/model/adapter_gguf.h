// Low-rank changes in GGUF files. Format: llama.cpp's convert_lora_to_gguf.py writes it and
// llama-adapter.cpp reads it: general.type "adapter", adapter.type "lora", one adapter.lora.alpha,
// and for each weight NAME the tensors NAME.lora_a (R, K) and NAME.lora_b (N, R).
#pragma once
#include <filesystem>

#include "model/adapter.h"
#include "store/gguf.h"

namespace pomona::model {

/// Throws not_found, io, bad_file; unsupported for what is no change of a weight.
Adapter read_gguf_adapter(const std::filesystem::path& path);

/// Whether a GGUF file says that it is an adapter.
bool is_adapter(const store::GgufMetadata& metadata);

/// Throws bad_argument for an adapter with the hub's names or of another kind; unsupported where no
/// one alpha gives all scales; io, exhausted.
void write_gguf_adapter(const std::filesystem::path& path, const Adapter& adapter);

}  // namespace pomona::model
