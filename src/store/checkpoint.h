// Opens the tensors of a checkpoint, whatever its format and in however many files.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/string_hash.h"
#include "store/tensor_source.h"

namespace pomona::store {

/// Which file holds which tensor: model.safetensors.index.json and pytorch_model.bin.index.json.
struct ShardIndex {
  std::vector<std::string> files;  // each once, in the order of their names
  std::unordered_map<std::string, std::string, StringHash> file_of;  // by tensor
};

/// Throws bad_file, also for file names that lead out of the index's folder.
ShardIndex parse_shard_index(std::string_view text, const std::string& origin);

/// The tensors of a GGUF model, a safetensors or PyTorch file, or of all files that an index
/// (*.index.json) names. The content decides, not the name. Throws not_found, io, bad_file,
/// unsupported.
TensorSource open_checkpoint(const std::filesystem::path& path);

}  // namespace pomona::store
