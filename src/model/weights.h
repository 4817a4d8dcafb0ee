// Where a model's parameters come from. Models ask by checkpoint name, as the hub's files have
// them; a map tells the name in GGUF files, and how either kind of file stores it in another way.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "store/tensor_source.h"
#include "tensor/tensor.h"

namespace pomona::model {

/// One entry of a model's name map: the hub's name and GGUF's, {} standing for the layer's number,
/// and the shape.
struct WeightName {
  std::string hub;
  std::string gguf;
  Shape shape;
  /// GGUF's Llama stores rows of Q and K in the order of pairs, for its rotation of neighbours:
  /// the number of heads, 0 if this is not so.
  std::int64_t gguf_paired_heads = 0;
  /// The hub's GPT-NeoX stores the rows of Q, K and V head by head: the number of heads, 0 if all
  /// of Q comes first, then K, then V.
  std::int64_t hub_fused_heads = 0;
  /// The hub's GPT-2 stores its matrices as (inputs, outputs).
  bool hub_transposed = false;
  /// The hub's Gemma stores by how much the weights of its norms are above 1.
  bool hub_above_one = false;
};

/// A tensor's name apart from its layer: "model.layers.12.mlp.up" -> {"model.layers.{}.mlp.up",
/// "12"}; the number is empty where there is none.
std::pair<std::string, std::string> without_number(const std::string& name);

/// Which names a checkpoint's tensors have.
enum class Names { hub, gguf };

/// What GGUF files call the tensors that a model asked for under the hub's names.
using GgufNames = std::map<std::string, std::string>;

/// Tensors of a checkpoint under the hub's names, in the file's storage format and on its mapped
/// memory.
class Weights {
 public:
  /// `source` must outlive this; `asked` gets the names of all tensors that are got.
  Weights(const store::TensorSource& source, Names names, std::vector<WeightName> map,
          std::shared_ptr<GgufNames> asked)
      : source_(source), names_(names), map_(std::move(map)), asked_(std::move(asked)) {}

  bool has(const std::string& hub_name) const;

  /// The tensor. Throws bad_file (missing, other shape) or unsupported (its type).
  Tensor get(const std::string& hub_name);

  /// Takes a tensor that the model has no use for, if it is there.
  void pass_over(const std::string& hub_name);

  /// Takes all tensors whose stored name is this one, {} standing for a layer's number.
  void pass_over_stored(std::string_view pattern);

  /// Throws unsupported if the checkpoint has a tensor that nobody got: a bias, another layer,
  /// factors of a rotation. Without it the model would run, and be another one.
  void check_all_taken() const;

 private:
  /// The entry for a name, complete with the layer's number.
  WeightName entry_of(const std::string& hub_name) const;
  const std::string& stored_name(const WeightName& entry) const {
    return names_ == Names::gguf ? entry.gguf : entry.hub;
  }

  const store::TensorSource& source_;
  Names names_;
  std::vector<WeightName> map_;
  std::shared_ptr<GgufNames> asked_;
  std::unordered_set<std::string_view> taken_;
};

}  // namespace pomona::model
