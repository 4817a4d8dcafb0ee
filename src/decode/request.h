// What a client asks the scheduler for, and what it gets.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/progress.h"
#include "decode/sampling.h"

namespace pomona::decode {

/// Most likely tokens that can be told of each place (as in OpenAI's interface).
inline constexpr std::int64_t kMostLogprobs = 20;
inline constexpr std::int64_t kMostBeams = 256;

/// When a beam search ends before its last token, by the names of transformers' `early_stopping`:
/// no: when the best running beam, were it to end now, is worse than all kept answers; yes: once
/// there are enough answers; never: when no running beam can become better than a kept answer.
enum class EarlyStopping { no, yes, never };
/// Throws bad_argument naming the three.
EarlyStopping parse_early_stopping(std::string_view name);

struct BeamOptions {
  std::int64_t beams = 1;     // 1: no beam search
  double length_penalty = 1;  // answers are scored by log probability / length^length_penalty
  EarlyStopping early_stopping = EarlyStopping::no;
};

struct Request {
  std::vector<std::int32_t> prompt;  // at least one token; the model's virtual ones come before it
  std::int64_t max_new_tokens = 256;
  /// Before these, no end token is chosen and no stop text looked for.
  std::int64_t min_new_tokens = 0;
  SamplingOptions sampling;
  std::vector<std::string> stop;  // texts that end the answer; they are not part of it
  /// Answers to this prompt, which is read once; number i draws with the seed `sampling.seed` + i.
  /// Of a beam search: the best ones, at most as many as beams.
  std::int64_t answers = 1;
  BeamOptions search;
  /// Also the log probability of each token, and of so many most likely ones beside it.
  std::optional<std::int64_t> logprobs;
  /// Called with each piece of finished text as it appears (whole UTF-8 characters) and the number
  /// of its answer.
  std::function<void(std::string_view piece, std::int64_t answer)> on_text;
  /// Called after each piece of the prompt with the number of its tokens that are read.
  std::function<void(std::int64_t read)> on_prompt;
  const StopToken* cancel = nullptr;  // ends this request alone, keeping what it has
};

enum class StopReason { end, length, stop, cancelled };
std::string_view name_of(StopReason reason);  // "end", "length", "stop", "cancelled"

/// Natural logarithms of probabilities that the model itself gives, before bias, penalties and
/// temperature.
struct TokenLogprob {
  std::int32_t token = 0;
  double logprob = 0;
  std::vector<std::pair<std::int32_t, double>> top;  // likeliest first
};

struct Completion {
  std::string text;
  std::vector<std::int32_t> tokens;  // generated ones, without the end token
  StopReason reason = StopReason::end;
  std::int64_t answer = 0;  // its number among the request's answers
  std::int64_t prompt_tokens = 0;
  std::int64_t shared_tokens = 0;      // of the prompt, found in the cache
  bool context_full = false;           // why it ended: no position of the model's context is left
  std::vector<TokenLogprob> logprobs;  // of `tokens`, if asked for
  std::optional<double> score;         // of a beam search: what BeamOptions::length_penalty says
  double prefill_seconds = 0;   // from the first forward pass with this prompt to its first token
  double first_token_time = 0;  // when that came, on the clock of steady_seconds()
  double decode_seconds = 0;    // from the first token to the last
};

}  // namespace pomona::decode
