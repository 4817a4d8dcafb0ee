// What of a model is trained: all of it, its last layers, low-rank changes of its linear maps
// (Hu et al. 2021, arXiv:2106.09685), or virtual tokens in front of every sequence (Lester et al.
// 2021, arXiv:2104.08691; Li and Liang 2021, arXiv:2101.00190).
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "model/model.h"
#include "tensor/context.h"
#include "train/run_file.h"

namespace pomona::train {

/// A parameter that is trained. `parameter` lives in the model, or in what was put into it.
struct TrainedParameter {
  std::string name;  // as in the checkpoint; of a low-rank change with ".lora_A" or ".lora_B"
  Parameter* parameter = nullptr;
  bool decay = true;          // whether weight decay applies: not to vectors
  bool is_embedding = false;  // its optimiser's states stay exact
};

/// Makes `model` trainable in place: what is trained becomes f32 and asks for its gradient,
/// low-rank changes and virtual tokens are added with their first values. `context` computes the
/// first values of a prefix. Throws bad_argument for settings that do not fit the model, naming
/// what there is.
std::vector<TrainedParameter> make_trainable(model::Model& model, const RunFile::Method& settings,
                                             std::uint64_t seed, const Context& context);

/// Numbers in the trained parameters.
std::int64_t count_parameters(const std::vector<TrainedParameter>& parameters);

/// The linear maps that low-rank changes can be made of, by name, in the order of the checkpoint.
std::vector<std::string> linear_maps(model::Model& model);

}  // namespace pomona::train
