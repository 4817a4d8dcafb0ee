// Clipping gradients by their common norm (Pascanu et al. 2013, arXiv:1211.5063), as
// torch.nn.utils.clip_grad_norm_ does.
#pragma once
#include <span>

#include "train/optimiser.h"

namespace pomona::train {

/// The L2 norm of all gradients together, in the same bits for any number of threads; sums of 16384
/// squares are f32, sums of those f64. Tensors without a gradient count as zero.
double gradient_norm(const Context& context, std::span<const Trainable> trainables);

/// What gradients of this norm are multiplied with: 1, or largest / (norm + 1e-6) if that is less.
/// NaN for a norm that is not finite, which the caller must look for first.
double clip_scale(double norm, double largest);

}  // namespace pomona::train
