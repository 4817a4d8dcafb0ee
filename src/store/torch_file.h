// Reads PyTorch checkpoints (.bin, .pt, .pth) without running anything of them: the zip archives
// that torch.save has written since version 1.6, and the older form (store/torch_legacy.h). Format:
// PyTorch, torch/serialization.py and torch/_utils.py; the pickle inside is read as data
// (store/pickle.h).
#pragma once
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "store/tensor_source.h"

namespace pomona::store {

/// The tensors in the saved object, in its order, as views into `bytes`. Keys of nested
/// dictionaries and places in lists are joined with dots ("model.layers.0.weight"); what is no
/// tensor is left out. Throws bad_file, or unsupported for objects of other classes, naming them,
/// and for what torch.save does not write.
std::vector<StoredTensor> parse_torch_file(std::span<const std::byte> bytes,
                                           const std::string& origin);

/// Throws not_found, io, bad_file or unsupported.
TensorSource open_torch_file(const std::filesystem::path& path);

/// Whether the bytes begin like a PyTorch checkpoint (or any zip or pickle).
bool looks_like_torch(std::span<const std::byte> bytes);

}  // namespace pomona::store
