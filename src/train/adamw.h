// The numbers of a step of AdamW, whatever its states are kept in.
#pragma once
#include "kernel/table.h"
#include "train/optimiser.h"

namespace pomona::train {

/// Step t, counted from 1, of one trainable.
kernel::AdamWFactors<float> adamw_factors(const OptimiserSettings& settings,
                                          const Trainable& trainable, double learning_rate,
                                          double gradient_scale, std::int64_t t);

}  // namespace pomona::train
