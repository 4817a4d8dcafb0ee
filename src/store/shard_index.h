// Which file holds which tensor: model.safetensors.index.json and pytorch_model.bin.index.json.
// Format: Hugging Face transformers, an object with "weight_map" {tensor: file} and "metadata".
#pragma once
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/string_hash.h"

namespace pomona::store {

struct ShardIndex {
  std::vector<std::string> files;                                    // each once, sorted
  std::unordered_map<std::string, std::string, StringHash> file_of;  // by tensor
};

/// `origin` is the index's name in errors. Throws bad_file, also for tensors that occur twice and
/// for file names that lead out of the index's folder.
ShardIndex parse_shard_index(std::string_view text, const std::string& origin);

}  // namespace pomona::store
