// The batch scheduler: takes requests, forms ragged batches (decode first, prefill by token
// budget), shares prefixes through the KV pool. generate, eval, rollouts and serve are its clients.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "decode/sampling.h"
#include "model/model.h"

namespace pomona::decode {

struct Request {
  std::vector<std::int32_t> prompt;  // at least one token
  std::int64_t max_new_tokens = 256;
  SamplingOptions sampling;
  std::vector<std::string> stop;  // texts that end the answer; they are not part of it
  /// Called with each piece of finished text as it appears (whole UTF-8 characters).
  std::function<void(std::string_view piece)> on_text;
  const StopToken* cancel = nullptr;  // ends this request alone, keeping what it has
};

enum class StopReason { end, length, stop, cancelled };
std::string_view name_of(StopReason reason);  // "end", "length", "stop", "cancelled"

struct Completion {
  std::string text;
  std::vector<std::int32_t> tokens;  // generated ones, without the end token
  StopReason reason = StopReason::end;
  std::int64_t prompt_tokens = 0;
  std::int64_t shared_tokens = 0;  // of the prompt, found in the cache
  double prefill_seconds = 0;  // from the first forward pass with this prompt to its first token
  double decode_seconds = 0;   // from the first token to the last
};

struct SchedulerOptions {
  std::int64_t max_sequences = 16;    // decoded together
  std::int64_t prefill_tokens = 512;  // prompt tokens per step
  std::int64_t kv_blocks =
      0;  // of kernel::kKvBlock positions; 0: enough for the requests, growing with them
};

class Scheduler {
 public:
  /// `context` must outlive the scheduler; its stop token ends run() with cancelled.
  Scheduler(const model::Model& model, const Context& context, SchedulerOptions options = {});
  ~Scheduler();

  /// Queues a request. Throws bad_argument for an empty prompt, or one that with max_new_tokens
  /// does not fit the model's context; the message says by how much and what to do.
  std::int64_t submit(Request request);

  /// One forward pass. False if there was nothing to do. Whatever is thrown, by the model or a
  /// callback, all requests that have not ended are dropped first, and new ones can be submitted.
  bool step();

  /// Requests that ended since the last call, in the order they ended.
  std::vector<std::pair<std::int64_t, Completion>> take_finished();

  /// Submits nothing more: steps until all are done. done(index of the request in submission order,
  /// completion). As step() when something throws; ended requests not yet told are dropped too.
  void run(const std::function<void(std::int64_t, Completion)>& done);

  std::int64_t peak_cache_bytes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pomona::decode
