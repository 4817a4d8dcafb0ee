// Bytes of cache blocks and of attention scratch.
#include "kernel/attention_sizes.h"

#include <algorithm>

#include "kernel/table.h"

namespace pomona::kernel {

std::int64_t kv_block_bytes(KvKind kind, std::int64_t E) {
  switch (kind) {
    case KvKind::f32:
      return kKvBlock * E * 4;
    case KvKind::bf16:
      return kKvBlock * E * 2;
    case KvKind::q8:
      break;
  }
  return kKvBlock * (E + static_cast<std::int64_t>(sizeof(float)));
}

std::int64_t attention_scratch_bytes(std::int64_t positions, std::int64_t group, std::int64_t E) {
  return std::min(positions * group, kAttentionRows) * attention_row_bytes(E);
}

}  // namespace pomona::kernel
