// What every decoder family reads of its numbers.
#pragma once
#include <string_view>

#include "model/causal_lm.h"
#include "model/checkpoint.h"

namespace pomona::model {

/// The sizes; V is the number of rows of the embedding, `table` under its stored name. Throws
/// bad_file for missing or impossible values, unsupported for head sizes that attention does not
/// have, and for weights that are quantised in a way of their own.
LmShape read_shape(const Checkpoint& checkpoint, std::string_view table);

/// The activation that config.json names under `name`. Throws unsupported, telling which are known.
op::Activation read_activation(const Config& numbers, std::string_view name,
                               std::string_view fallback);

}  // namespace pomona::model
