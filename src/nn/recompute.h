// Activation checkpointing (Chen et al. 2016, arXiv:1604.06174): a part of a network keeps its
// input alone for backward and is computed again there.
#pragma once
#include <functional>

#include "tensor/tape.h"

namespace pomona::nn {

using Part = std::function<Tensor(const Context&, const Tensor& x)>;

/// f(x), to the bit as without it, gradients too. f must give the same when it is called again
/// until backward has run; random numbers are drawn the same.
Tensor recomputed(const Context& context, const Tensor& x, Part f);

}  // namespace pomona::nn
