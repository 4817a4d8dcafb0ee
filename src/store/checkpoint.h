// Opens the tensors of a checkpoint, whatever its format and in however many files.
#pragma once
#include <filesystem>

#include "store/tensor_source.h"

namespace pomona::store {

/// The tensors of a GGUF model, a safetensors or PyTorch file, or of all files that an index
/// (*.index.json) names. The content decides, not the name. Throws not_found, io, bad_file,
/// unsupported.
TensorSource open_checkpoint(const std::filesystem::path& path);

}  // namespace pomona::store
