// What a model is given at once: the rows of several sequences, ragged, without padding.
#pragma once
#include <cstdint>
#include <vector>

#include "nn/kv_pool.h"
#include "nn/virtual_tokens.h"
#include "op/ops.h"

namespace pomona::nn {

/// Consecutive rows of one sequence. `cache` already counts them (KvSequence::extend); null: no
/// cache, the rows are a whole sequence from position 0.
struct BatchSequence {
  std::int64_t first_row = 0;
  std::int64_t rows = 0;
  std::int64_t first_position = 0;
  const KvSequence* cache = nullptr;
};

struct Batch {
  std::vector<std::int32_t> tokens;     // (T); V and above: virtual ones
  std::vector<std::int32_t> positions;  // (T), each row's place in its sequence
  std::vector<BatchSequence> sequences;
  std::vector<std::int32_t> wanted;  // rows whose logits are wanted, ascending

  std::int64_t T() const { return static_cast<std::int64_t>(tokens.size()); }

  /// Appends `tokens` of one sequence from position `first_position` on; all, the last, or none of
  /// the rows want logits.
  enum class Logits { none, last, all };
  void append(std::span<const std::int32_t> sequence_tokens, std::int64_t first_position,
              const KvSequence* cache, Logits logits);
};

/// What the layers of one forward pass share, worked out once.
struct BatchState {
  const Batch& batch;
  Tensor angles;                      // rope angles of the rows, (T, R); undefined: no rotation
  std::vector<std::int64_t> lengths;  // rows per sequence
  PrefixRows prefix = {};             // without rows: there is no prefix
};

/// Attention of one layer, against the caches if the batch's sequences have them, else within the
/// batch. Throws bad_shape if only some have one, or one of another shape than q, k and v.
Tensor attend(const Context& context, const Tensor& q, const Tensor& k, const Tensor& v,
              const BatchState& state, std::int64_t layer, std::int64_t E,
              const op::AttentionOptions& options = {});

}  // namespace pomona::nn
