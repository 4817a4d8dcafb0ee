// How fast a model reads and writes on this computer, and the roof above it: what `pomona bench`
// tells. The counts are llama-bench's: reading and writing are timed apart, on random tokens.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "base/json.h"
#include "base/progress.h"
#include "model/model.h"
#include "tensor/context.h"

namespace pomona::eval {

struct SpeedOptions {
  std::int64_t prefill = 512;  // tokens read per sequence and run; 0: not measured
  std::int64_t decode = 128;   // tokens written, one at a time; 0: not measured
  std::int64_t depth = 0;      // tokens in the cache before either begins
  std::int64_t batch = 1;      // sequences at once
  std::int64_t runs = 5;
  std::optional<kernel::KvKind> kv_kind = {};  // none: what suits the compute mode
};

/// Tokens a second of all sequences together, one value for each run.
struct SpeedRuns {
  std::vector<double> prefill, decode;
};

/// A warm-up run, then `runs` measured ones. Reading goes in passes of 512 rows and wants logits of
/// the last token alone; writing is greedy. Throws bad_argument for what does not fit the model's
/// context, exhausted, cancelled.
SpeedRuns measure_speed(const model::Model& model, const Context& context,
                        const SpeedOptions& options, ProgressSink& progress);

/// The middle value, or the mean of the two in the middle; 0 of none.
double median(std::vector<double> values);

/// What `threads` threads reach together in loops that do nothing else (kernel/roof.h).
struct Roof {
  double f32_gflops = 0, bf16_gflops = 0, int8_gops = 0, dram_gb_per_second = 0;
};
Roof measure_roof(simd::Level level, int threads);
Json to_json(const Roof& roof);

}  // namespace pomona::eval
