// What a model is loaded from: its numbers and its tensors, of a GGUF file or of a hub folder.
#pragma once
#include <functional>
#include <optional>

#include "model/config.h"
#include "model/weights.h"
#include "store/gguf.h"

namespace pomona::model {

struct Checkpoint {
  Config config;
  store::TensorSource tensors;
  /// The entries of the tensors that were got, in all copies of this.
  std::shared_ptr<WeightNames> asked = std::make_shared<WeightNames>();
  /// If set, a model that is made of this has no weights, and what it would take is put down there.
  std::shared_ptr<Survey> survey = {};
  /// Positions asked for, which some models stretch their rotation for; 0: as it was first trained.
  std::int64_t context = 0;

  explicit Checkpoint(const store::GgufFile& file)
      : config(file.metadata()), tensors(store::tensors_of(file)) {}
  Checkpoint(Config hub_config, store::TensorSource hub_tensors)
      : config(std::move(hub_config)), tensors(std::move(hub_tensors)) {}

  /// The same with each tensor under the name that `name_of` gives it; without those it gives none.
  Checkpoint renamed(
      const std::function<std::optional<std::string>(const std::string&)>& name_of) const;

  Weights weights(std::vector<WeightName> map) const {
    if (survey) survey->numbers = config;
    return {tensors, config.from_gguf() ? Names::gguf : Names::hub, std::move(map), asked, survey};
  }
};

}  // namespace pomona::model
