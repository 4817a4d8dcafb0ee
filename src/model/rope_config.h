// Rotary positions as checkpoints describe them: config.json's `rope_theta` with `rope_scaling`, or
// `rope_parameters` (transformers from version 5 on), or GGUF's rope.* keys with its tensors of
// factors (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
#pragma once
#include <string_view>

#include "model/checkpoint.h"
#include "nn/rope.h"

namespace pomona::model {

/// The rotation of heads of `head_dim` values. `layers` is the kind that it is for, where
/// `rope_parameters` tells kinds of layers apart ("full_attention"). The factors of longrope are
/// the long ones if the checkpoint is asked for more than the original context: one set for all
/// positions, so that cached keys stay what they were. Throws bad_file for missing or impossible
/// values, unsupported for a scaling that is not known.
nn::RopeConfig read_rope(const Checkpoint& checkpoint, std::int64_t head_dim,
                         std::string_view layers = {});

/// Marks the tensors as taken that read_rope reads, or that follow from the numbers.
void take_rope_weights(Weights& weights);

}  // namespace pomona::model
