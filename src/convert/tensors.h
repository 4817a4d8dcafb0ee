// A model's tensors under the names and in the order of the other kind of file.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "convert/source.h"
#include "store/tensor_output.h"

namespace pomona::convert {

/// A tensor of the new file and the one it was made of.
struct MappedTensor {
  std::string from;
  store::TensorOutput output;
};

/// All that the model takes, in the order in which it asks. Matrices get the plain type `type`; if
/// there is none, they keep theirs, save that the hub has no block formats: there they become f32.
/// Vectors are f32 in GGUF files, and in the hub's of the matrices' type where that holds them
/// exactly. `written` is called behind each tensor.
std::vector<MappedTensor> convert_tensors(
    const Source& source, Names to, std::optional<DType> type,
    const std::function<void(const std::string& name, std::int64_t elements)>& written);

/// The type of most values of a model that convert_tensors made so.
DType main_type(const std::vector<MappedTensor>& tensors);

}  // namespace pomona::convert
