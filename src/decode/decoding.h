// How a request's answers come from logits: by drawing each token (drawn_answers.h) or by a
// beam search (beam_search.h).
#pragma once
#include <optional>
#include <span>
#include <vector>

#include "decode/request.h"
#include "model/model.h"
#include "nn/kv_pool.h"

namespace pomona::decode {

/// A text that the model reads on: a request's prompt, then what was chosen behind it.
struct Branch {
  std::vector<std::int32_t> tokens;
  nn::KvSequence cache;

  /// Tokens that the model has not read yet.
  std::int64_t unread() const { return static_cast<std::int64_t>(tokens.size()) - cache.length(); }
};

/// An answer that is complete, and the text it stands in if that is still in the cache.
struct Ended {
  Completion completion;
  std::optional<Branch> branch;
};

class Decoding {
 public:
  virtual ~Decoding() = default;

  /// Takes one row of logits for each branch, which may be changed, and makes of `branches` those
  /// to go on with, one token longer each. At first there is one branch, the prompt. Throws what
  /// the request's callbacks throw.
  virtual std::vector<Ended> advance(std::vector<Branch>& branches,
                                     std::span<const std::span<float>> logits) = 0;

  /// Ends all that has not ended, with the reason cancelled; `branches` are empty afterwards.
  virtual std::vector<Ended> cancel(std::vector<Branch>& branches) = 0;

  /// Branches that there may be at most from now on.
  virtual std::int64_t width() const = 0;
};

}  // namespace pomona::decode
