// What stands in front of a sequence in the place of tokens and is trained: the vectors of a soft
// prompt (Lester et al. 2021, arXiv:2104.08691), or keys and values of every layer, a prefix (Li
// and Liang 2021, arXiv:2101.00190). Virtual token i has the number V + i.
#pragma once
#include <cstdint>
#include <vector>

#include "tensor/packed.h"

namespace pomona::nn {

struct VirtualTokens {
  Parameter embeddings;  // (P, D); of a prefix: zeros, which nothing depends on
  /// Of a prefix: (P, G E) for each layer, rotated already. Else empty.
  std::vector<Parameter> keys, values;

  std::int64_t count() const { return embeddings.value.size(0); }
};

/// The rows of a batch that are virtual tokens of a prefix.
struct PrefixRows {
  const VirtualTokens* tokens = nullptr;
  std::vector<std::int32_t> rows;     // in the batch
  std::vector<std::int32_t> numbers;  // which virtual token each is
};

}  // namespace pomona::nn
