// What every decoder-only language model offers: one forward contract for chat, batches, beams,
// evaluation, training and the server.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "nn/batch.h"
#include "nn/kv_pool.h"
#include "tensor/context.h"

namespace pomona::model {

/// Sizes that the model's users need; letters as in docs/notation.md.
struct LmShape {
  std::int64_t V = 0;        // vocabulary
  std::int64_t D = 0;        // width
  std::int64_t L = 0;        // layers
  std::int64_t H = 0;        // query heads
  std::int64_t G = 0;        // KV heads
  std::int64_t E = 0;        // head size
  std::int64_t F = 0;        // width of the feed-forward layer
  std::int64_t context = 0;  // positions the model takes, less those of its virtual tokens
  std::int64_t longest = 0;  // and those it takes at most, loaded for them (load_model)
};

class CausalLm {
 public:
  virtual ~CausalLm() = default;
  virtual const LmShape& shape() const = 0;

  /// Logits (wanted rows, V) of a batch. With caches in the batch, keys and values are written into
  /// them.
  Tensor forward(const nn::Batch& batch, const Context& context) const {
    const Tensor x = states(batch, context);
    return x.defined() ? logits(x, context) : x;
  }

  /// What forward() makes logits of: the wanted rows behind the last norm, (wanted rows, D);
  /// undefined if there are none.
  virtual Tensor states(const nn::Batch& batch, const Context& context) const = 0;
  /// Of some of those rows.
  virtual Tensor logits(const Tensor& states, const Context& context) const = 0;

  /// The table (V, D) that tokens are looked up in. Throws unsupported where there is none.
  virtual Parameter& token_table();

  /// What every sequence must begin with: tokens V, V + 1, ... Null: with nothing. Throws bad_shape
  /// for what does not fit the model.
  virtual void set_virtual_tokens(std::shared_ptr<const nn::VirtualTokens> tokens) {
    virtual_tokens_ = std::move(tokens);
  }
  const std::shared_ptr<const nn::VirtualTokens>& virtual_tokens() const { return virtual_tokens_; }
  std::int64_t virtual_count() const { return virtual_tokens_ ? virtual_tokens_->count() : 0; }
  /// A sequence as the model reads it: the virtual tokens, then these.
  std::vector<std::int32_t> with_virtual_tokens(std::span<const std::int32_t> tokens) const;

  /// What rows of the token table are multiplied with before the first block.
  virtual double embedding_scale() const { return 1; }

  /// Calls f(checkpoint name, parameter) for every parameter.
  virtual void each_parameter(const std::function<void(const std::string&, Parameter&)>& f) = 0;

 private:
  std::shared_ptr<const nn::VirtualTokens> virtual_tokens_;
};

/// The cache of a model: of `kind`, or what suits `compute`: f32 keys and values in mode f32, else
/// bf16.
nn::KvShape kv_shape(const LmShape& shape, Compute compute,
                     std::optional<kernel::KvKind> kind = {});

}  // namespace pomona::model
