#include "model/checkpoint.h"

namespace pomona::model {

Checkpoint Checkpoint::renamed(
    const std::function<std::optional<std::string>(const std::string&)>& name_of) const {
  std::vector<store::StoredTensor> kept;
  for (const store::StoredTensor& tensor : tensors.tensors()) {
    if (std::optional<std::string> name = name_of(tensor.name)) {
      kept.push_back(tensor);
      kept.back().name = std::move(*name);
    }
  }
  Checkpoint made = *this;
  made.tensors = store::TensorSource(tensors.origin(), std::move(kept));
  return made;
}

}  // namespace pomona::model
