// Packing: the rows of a step dealt out to forward passes of a bounded number of tokens. Attention
// stays within a row and positions begin anew in each (nn/batch.h), so it only arranges.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "train/objective.h"

namespace pomona::train {

/// Rows in passes of at most `tokens` tokens each; a longer row has a pass of its own. First fit
/// in the order of falling lengths; rows of a pass stand in the order that they were given in. The
/// passes depend on the rows alone.
std::vector<std::vector<RowId>> pack_rows(const Objective& objective, std::span<const RowId> rows,
                                          std::int64_t tokens);

}  // namespace pomona::train
