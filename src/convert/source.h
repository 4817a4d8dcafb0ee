// A model as a conversion sees it: which tensors it takes from its files, and its numbers with what
// its family means where the files are silent.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "model/causal_lm.h"
#include "model/model_files.h"
#include "model/registry.h"

namespace pomona::convert {

using model::Config;
using model::Names;

struct Source {
  const model::ModelFiles& files;
  const model::Architecture& architecture;  // of the new file
  model::Survey survey;
  model::LmShape shape;

  Names names() const { return files.checkpoint.config.from_gguf() ? Names::gguf : Names::hub; }
  const Config& numbers() const { return *survey.numbers; }
  /// The files' tensors with the numbers of numbers(), as a family's loader reads them.
  model::Checkpoint checkpoint() const;
  /// Whether the embedding serves as head.
  bool is_tied() const;
  bool takes(std::string_view hub_name) const;
  /// The files' tensors that the model does without.
  std::vector<std::string> unused() const;
  /// Throws unsupported naming the file, and `what` it says that the new one cannot.
  [[noreturn]] void refuse(std::string_view what) const;
};

/// Throws what loading the model throws; bad_file naming all tensors that are missing, unsupported
/// naming all that have no place in the model.
Source survey_model(const model::ModelFiles& files);

}  // namespace pomona::convert
