// Where a model's parameters come from. Models ask by checkpoint name, as the hub's files have
// them; a map tells the name in GGUF files, and how either kind of file stores it in another way.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "model/config.h"
#include "model/weight_layout.h"
#include "store/tensor_source.h"

namespace pomona::model {

/// A tensor's name apart from its layer: "model.layers.12.mlp.up" -> {"model.layers.{}.mlp.up",
/// "12"}; the number is empty where there is none.
std::pair<std::string, std::string> without_number(const std::string& name);

/// How files name and lay out the tensors that a model asked for, by the hub's names.
using WeightNames = std::map<std::string, WeightName>;

/// What a model would take of a checkpoint, found without a look at any value.
struct Survey {
  struct Entry {
    WeightName name;  // with the layer's number
    store::StoredTensor tensor;
  };
  std::optional<Config> numbers;  // with what the family means where the file is silent
  std::vector<Entry> taken;
  std::vector<std::string> unknown;  // stored names that have no place in the model
  std::vector<std::string> missing;  // stored names that the model asked for
};

/// Tensors of a checkpoint under the hub's names, in the file's storage format and on its mapped
/// memory.
class Weights {
 public:
  /// `source` must outlive this; `asked` gets the entries of all tensors that are got. With a
  /// `survey`, tensors are undefined, and what is missing or has no place is put down there.
  Weights(const store::TensorSource& source, Names names, std::vector<WeightName> map,
          std::shared_ptr<WeightNames> asked, std::shared_ptr<Survey> survey)
      : source_(source),
        names_(names),
        map_(std::move(map)),
        asked_(std::move(asked)),
        survey_(std::move(survey)) {}

  bool has(const std::string& hub_name) const;

  /// Whether the file has both tensors with the same bytes.
  bool are_same(const std::string& hub_name, const std::string& other_hub_name) const;

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

  const store::TensorSource& source_;
  Names names_;
  std::vector<WeightName> map_;
  std::shared_ptr<WeightNames> asked_;
  std::shared_ptr<Survey> survey_;
  std::unordered_set<std::string_view> taken_;
};

}  // namespace pomona::model
