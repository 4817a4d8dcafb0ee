// Where a model's parameters come from. Models ask by checkpoint name, as the hub's files have
// them.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "store/gguf.h"
#include "tensor/tensor.h"

namespace pomona::model {

/// One entry of a model's name map: the hub's name and GGUF's, {} standing for the layer's number,
/// and the shape. GGUF's Llama stores rows of Q and K permuted for its pairwise rotation: `heads` >
/// 0 undoes that.
struct WeightName {
  std::string hub;
  std::string gguf;
  Shape shape;
  std::int64_t heads = 0;
};

/// Tensors of a GGUF file under the hub's names, in the file's storage format and on its mapped
/// memory.
class GgufWeights {
 public:
  GgufWeights(const store::GgufFile& file, std::vector<WeightName> names)
      : file_(file), names_(std::move(names)) {}

  bool has(const std::string& hub_name) const;

  /// The tensor. Throws bad_file (missing, other shape) or unsupported (its type).
  Tensor get(const std::string& hub_name);

  /// Throws unsupported if the file has a tensor that nobody got: a bias, another layer, factors of
  /// a rotation. Without it the model would run, and be another one.
  void check_all_taken() const;

 private:
  /// The entry for a name, its GGUF name complete with the layer's number.
  WeightName entry_of(const std::string& hub_name) const;

  const store::GgufFile& file_;
  std::vector<WeightName> names_;
  std::unordered_set<std::string_view> taken_;  // GGUF names
};

}  // namespace pomona::model
