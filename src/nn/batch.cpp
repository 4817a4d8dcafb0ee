#include "nn/batch.h"

namespace pomona::nn {

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
              const BatchState& state, std::int64_t layer, std::int64_t E) {
  const std::vector<BatchSequence>& sequences = state.batch.sequences;
  const KvSequence* cache = sequences.empty() ? nullptr : sequences.front().cache;
  if (cache == nullptr) return op::attention(context, q, k, v, state.lengths, E);
  std::vector<std::vector<std::byte*>> addresses(sequences.size());
  std::vector<op::CacheSlice> slices;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const BatchSequence& sequence = sequences[i];
    sequence.cache->layer_blocks(layer, addresses[i]);
    slices.push_back({sequence.first_row, sequence.rows, sequence.first_position, addresses[i]});
  }
  return op::cached_attention(context, q, k, v, slices, cache->kind(), E);
}

}  // namespace pomona::nn
