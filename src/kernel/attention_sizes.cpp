// Bytes of cache blocks and of attention scratch.
#include "kernel/attention_sizes.h"

#include <algorithm>

#include "kernel/table.h"

namespace pomona::kernel {

std::int64_t kv_block_bytes(KvKind kind, std::int64_t E) {
  const std::int64_t value_bytes = kind == KvKind::f32 ? 4 : 2;
  return kKvBlock * E * value_bytes;
}

std::int64_t attention_scratch_bytes(std::int64_t positions, std::int64_t group, std::int64_t E) {
  return std::min(positions * group, kAttentionRows) * attention_row_bytes(E);
}

}  // namespace pomona::kernel
