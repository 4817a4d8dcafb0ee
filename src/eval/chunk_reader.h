// Reads chunks of a text through a model, a piece after another, and hands out the logits.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "model/model.h"
#include "tensor/context.h"

namespace pomona::eval {

class ChunkReader {
 public:
  /// Logits (end - begin, V) of the positions begin .. end - 1, which the callee may change.
  using Piece = std::function<void(std::int64_t begin, std::int64_t end, float* logits)>;

  /// For chunks of up to `n` tokens, one after another with one cache, of `kv_kind` or what suits
  /// the compute mode. Model and context must outlive this.
  ChunkReader(const model::Model& model, const Context& context, std::int64_t n,
              std::optional<kernel::KvKind> kv_kind);

  std::int64_t vocabulary() const { return lm_.shape().V; }

  /// A chunk as the model reads it: its first token is BOS where the model adds that.
  std::vector<std::int32_t> with_bos(std::span<const std::int32_t> chunk) const;

  /// Reads `chunk` from its start and calls `piece` for the positions first .. last - 1. Throws
  /// cancelled.
  void read(std::span<const std::int32_t> chunk, std::int64_t first, std::int64_t last,
            const Piece& piece);

 private:
  const model::Model& model_;
  const model::CausalLm& lm_;
  const Context& context_;
  nn::KvPool pool_;
  nn::KvSequence cache_;
};

}  // namespace pomona::eval
