// Sizes that paged attention and its callers agree on.
#pragma once
#include <cstdint>

namespace pomona::kernel {

/// Query rows that paged attention carries through the cache at a time; more rows go in turns.
inline constexpr std::int64_t kAttentionRows = 96;

/// Scratch of one query row: the query and the output, E floats each, and two lines of running
/// sums.
constexpr std::int64_t attention_row_bytes(std::int64_t E) { return 8 * E + 128; }

}  // namespace pomona::kernel
