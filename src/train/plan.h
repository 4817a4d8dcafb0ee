// What a run takes, before it is done: bytes by its own shapes, time by a step or two that are
// computed and thrown away.
#pragma once
#include <cstdint>

#include "base/json.h"
#include "train/setup.h"

namespace pomona::train {

struct TunePlan {
  std::int64_t steps = 0;
  std::int64_t tokens = 0;  // of all rows of all steps
  std::int64_t evaluations = 0;
  std::uint64_t parameters = 0;  // trained ones, in f32
  std::uint64_t gradients = 0;
  std::uint64_t optimiser = 0;
  std::uint64_t activations = 0;  // the most that a pass has at once
  std::uint64_t weights = 0;      // the others: as products read them, and the file's pages
  std::uint64_t peak = 0;         // all together, with the program and the data
  double seconds = 0;             // 0: not measured

  Json to_json() const;
};

/// Tokens that one evaluation reads.
std::int64_t evaluated_tokens(const Setup& setup);

/// Bytes, and how many steps and tokens: exact, but for what the program itself takes.
TunePlan plan_bytes(const Setup& setup);

/// The same with the time that it will take. Takes a few steps of training, so that the setup is
/// good for nothing else afterwards.
TunePlan plan_time(Setup& setup);

/// The time of a run whose steps take so long for each token, its evaluations included.
double predicted_seconds(const Setup& setup, const TunePlan& plan, double seconds_per_token);

/// Steps after which the run evaluates, the last one included.
bool evaluates_after(const Setup& setup, std::int64_t step);

}  // namespace pomona::train
