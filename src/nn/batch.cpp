#include "nn/batch.h"

#include <algorithm>

#include "base/error.h"

namespace pomona::nn {
namespace {

/// The cache that the batch's sequences use, all of one shape; null if none has one.
const KvSequence* common_cache(const std::vector<BatchSequence>& sequences) {
  if (sequences.empty()) return nullptr;
  const KvSequence* const first = sequences.front().cache;
  for (const BatchSequence& sequence : sequences) {
    if ((sequence.cache == nullptr) != (first == nullptr))
      fail(ErrorKind::bad_shape, "attend: some sequences of the batch have a cache, others none");
    if (first != nullptr && sequence.cache->shape() != first->shape())
      fail(ErrorKind::bad_shape, "attend: the caches of the batch's sequences differ in shape");
  }
  return first;
}

}  // namespace

void Batch::append(std::span<const std::int32_t> sequence_tokens, std::int64_t first_position,
                   const KvSequence* cache, Logits logits) {
  const auto rows = static_cast<std::int64_t>(sequence_tokens.size());
  sequences.push_back({T(), rows, first_position, cache});
  for (std::int64_t i = 0; i < rows; ++i) {
    if (logits == Logits::all || (logits == Logits::last && i + 1 == rows))
      wanted.push_back(static_cast<std::int32_t>(T()));
    tokens.push_back(sequence_tokens[static_cast<std::size_t>(i)]);
    positions.push_back(static_cast<std::int32_t>(first_position + i));
  }
}

Tensor attend(const Context& context, const Tensor& q, const Tensor& k, const Tensor& v,
              const BatchState& state, std::int64_t layer, std::int64_t E,
              const op::AttentionOptions& options) {
  const std::vector<BatchSequence>& sequences = state.batch.sequences;
  const KvSequence* const cache = common_cache(sequences);
  if (cache == nullptr) return op::attention(context, q, k, v, state.lengths, E, options);
  const KvShape& shape = cache->shape();
  if (layer >= shape.L || E != shape.E || k.size(1) != shape.G * E) {
    fail(ErrorKind::bad_shape,
         "attend: layer {} with keys {} of size {}; the cache has {} layers of {} heads of size {}",
         layer, k.shape().text(), E, shape.L, shape.G, shape.E);
  }
  std::vector<std::vector<std::byte*>> addresses(sequences.size());
  std::vector<op::CacheSlice> slices;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const BatchSequence& sequence = sequences[i];
    sequence.cache->layer_blocks(layer, addresses[i]);
    slices.push_back({sequence.first_row, sequence.rows, sequence.first_position, addresses[i]});
  }
  return op::cached_attention(context, q, k, v, slices, shape.kind, E, options);
}

}  // namespace pomona::nn
