// From the pickled object of a PyTorch checkpoint to its tensors.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/string_hash.h"
#include "store/pickle.h"
#include "store/tensor_source.h"

namespace pomona::store {

/// Whether a checkpoint's pickle may name this global ("torch._utils._rebuild_tensor_v2" ...):
/// what torch.save writes for dictionaries of tensors, and nothing else.
bool is_torch_global(std::string_view name);

/// The bytes of the storage with this key, or nullopt.
using TorchStorages =
    std::function<std::optional<std::span<const std::byte>>(std::string_view key)>;

/// The bytes of one value in each storage that the object uses, by its key, as far as they are
/// known; 1 for untyped ones.
std::unordered_map<std::string_view, std::uint64_t, StringHash> torch_value_sizes(
    const Pickle& pickle);

/// All tensors that the object's dictionaries and lists hold. `swapped`: the storages are of the
/// other byte order. Throws bad_file or unsupported; `origin` is the file's name in errors.
std::vector<StoredTensor> tensors_in(const Pickle& pickle, const TorchStorages& storages,
                                     bool swapped, const std::string& origin);

}  // namespace pomona::store
