// Where a prefix starts from: the keys and values that a model gives to real tokens.
#pragma once
#include <cstdint>
#include <span>

#include "model/model.h"
#include "nn/virtual_tokens.h"
#include "tensor/context.h"

namespace pomona::train {

/// Fills `tokens.keys` and `values`, for each layer (P, G E), with what the model computes in f32
/// for these P tokens at the beginning of a sequence.
void read_prefix(const model::Model& model, std::span<const std::int32_t> tokens,
                 const Context& context, nn::VirtualTokens& into);

}  // namespace pomona::train
