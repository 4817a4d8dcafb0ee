// Adapters in PEFT's folders: adapter_config.json beside adapter_model.safetensors or .bin. Format:
// Hugging Face PEFT 0.21, peft/config.py, peft/utils/save_and_load.py and the configs of its
// tuners.
#pragma once
#include <filesystem>

#include "base/json.h"
#include "model/adapter.h"
#include "store/tensor_source.h"

namespace pomona::model {

inline constexpr std::string_view kAdapterConfigFile = "adapter_config.json";

/// Throws not_found, io, bad_file, or unsupported naming the setting that is not done.
Adapter read_peft(const std::filesystem::path& folder);

/// The same of an open folder; `origin` names it in errors.
Adapter peft_adapter(const Json& config, const store::TensorSource& tensors,
                     const std::string& origin);

/// Writes a folder that PEFT loads: tensors byte for byte. Throws bad_argument if something is
/// there already, or for an adapter with GGUF's names; io, exhausted.
void write_peft(const std::filesystem::path& folder, const Adapter& adapter);

}  // namespace pomona::model
