// PyTorch checkpoints of before version 1.6, which the hub still has many of: pickles one behind
// the other, then the storages. Format: PyTorch, torch/serialization.py, _legacy_save.
#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "store/tensor_source.h"

namespace pomona::store {

/// As parse_torch_file. The values lie at any place in the file, so most are copied for use.
std::vector<StoredTensor> parse_torch_legacy(std::span<const std::byte> bytes,
                                             const std::string& origin);

}  // namespace pomona::store
