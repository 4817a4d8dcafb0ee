// The batch scheduler: takes requests, forms ragged batches (decode first, prefill by token
// budget), shares prefixes through the KV pool. generate, eval, rollouts and serve are its clients.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "decode/request.h"
#include "model/model.h"

namespace pomona::decode {

struct SchedulerOptions {
  std::int64_t max_sequences = 16;    // answers decoded together; a request with more goes alone
  std::int64_t prefill_tokens = 512;  // prompt tokens per step
  std::int64_t kv_blocks =
      0;  // of kernel::kKvBlock positions; 0: enough for the requests, growing with them
  std::optional<kernel::KvKind> kv_kind = {};  // none: what suits the compute mode
};

class Scheduler {
 public:
  /// `context` must outlive the scheduler; its stop token ends run() with cancelled.
  Scheduler(const model::Model& model, const Context& context, SchedulerOptions options = {});
  ~Scheduler();

  /// Queues a request. Throws bad_argument for an empty prompt, one that with max_new_tokens does
  /// not fit the model's context (the message says by how much and what to do), and values out of
  /// their range; exhausted if options.kv_blocks can never hold it.
  std::int64_t submit(Request request);

  /// One forward pass. False if there was nothing to do. Whatever is thrown, by the model or a
  /// callback, all requests that have not ended are dropped first, and new ones can be submitted.
  bool step();

  /// Answers that ended since the last call, in the order they ended, with their request's number.
  std::vector<std::pair<std::int64_t, Completion>> take_finished();

  /// Submits nothing more: steps until all are done. done(index of the request in submission order,
  /// completion), once for each answer. As step() when something throws; ended requests not yet
  /// told are dropped too.
  void run(const std::function<void(std::int64_t, Completion)>& done);

  /// Bytes of the most cache that was in use at once.
  std::int64_t peak_cache_bytes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pomona::decode
