// What training data looks like before anybody trains on it.
#pragma once
#include <cstdint>

#include "train/examples.h"

namespace pomona::train {

/// Lengths of examples in tokens; the median and the 95th percentile are lengths that occur (the
/// smallest that at least that share of the examples does not exceed).
struct LengthFacts {
  std::int64_t least = 0, median = 0, p95 = 0, most = 0;
};

LengthFacts length_facts(const Examples& examples);

/// The examples whose tokens stood in an earlier one, told by 64-bit hashes.
std::uint64_t count_duplicates(const Examples& examples);

/// The examples of `other` whose tokens are also those of one of `examples`.
std::uint64_t count_overlap(const Examples& examples, const Examples& other);

}  // namespace pomona::train
