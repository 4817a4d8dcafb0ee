#include "eval/speed.h"

#include <algorithm>
#include <barrier>
#include <cstring>
#include <thread>

#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "kernel/roof.h"

namespace pomona::eval {
namespace {

constexpr std::int64_t kPassRows = 512;

/// Sequences of random tokens that all have `depth` tokens in the cache.
class SpeedTest {
 public:
  SpeedTest(const model::Model& model, const Context& context, const SpeedOptions& options)
      : lm_(*model.lm),
        context_(context),
        options_(options),
        pool_(model::kv_shape(lm_.shape(), context.compute, options.kv_kind),
              blocks(lm_, options)) {
    std::vector<nn::KvSequence> sequences(static_cast<std::size_t>(options.batch),
                                          nn::KvSequence(pool_));
    begin(sequences);
    read(sequences, options.depth);
    filled_ = std::move(sequences);
  }

  /// Tokens a second.
  double prefill() {
    std::vector<nn::KvSequence> sequences = filled_;
    const Stopwatch watch;
    read(sequences, options_.prefill);
    return static_cast<double>(options_.batch * options_.prefill) / watch.seconds();
  }

  double decode(std::int64_t steps) {
    std::vector<nn::KvSequence> sequences = filled_;
    std::vector<std::int32_t> tokens = random_tokens(0, options_.batch);
    const Stopwatch watch;
    for (std::int64_t step = 0; step < steps; ++step) write(sequences, tokens);
    return static_cast<double>(options_.batch * steps) / watch.seconds();
  }

 private:
  static std::int64_t blocks(const model::CausalLm& lm, const SpeedOptions& options) {
    const std::int64_t more = std::max(options.prefill, options.decode);
    const std::int64_t depth = lm.virtual_count() + options.depth;
    const std::int64_t filled = nn::kv_blocks(depth);
    return options.batch * (filled + 1 + nn::kv_blocks(depth + more) - filled);
  }

  /// The model's virtual tokens in front of every sequence.
  void begin(std::vector<nn::KvSequence>& sequences) {
    const std::vector<std::int32_t> tokens = lm_.with_virtual_tokens({});
    if (tokens.empty()) return;
    for (nn::KvSequence& sequence : sequences) {
      nn::Batch batch;
      append(batch, sequence, tokens, nn::Batch::Logits::none);
      forward(batch);
    }
  }

  /// `count` tokens of one endless random text, from its place `first` on.
  std::vector<std::int32_t> random_tokens(std::int64_t first, std::int64_t count) const {
    const auto V = static_cast<std::uint64_t>(lm_.shape().V);
    std::vector<std::int32_t> tokens(static_cast<std::size_t>(count));
    for (std::int32_t& token : tokens) {
      token = static_cast<std::int32_t>(Random(1, 0).below(static_cast<std::uint64_t>(first++), V));
    }
    return tokens;
  }

  /// `count` random tokens more in every sequence, several sequences in a pass if they fit.
  void read(std::vector<nn::KvSequence>& sequences, std::int64_t count) {
    std::vector<std::int64_t> left(sequences.size(), count);
    for (std::int64_t all = count * options_.batch; all > 0;) {
      nn::Batch batch;
      for (std::size_t b = 0; b < sequences.size() && batch.T() < kPassRows; ++b) {
        const std::int64_t rows = std::min(left[b], kPassRows - batch.T());
        if (rows == 0) continue;
        const std::vector<std::int32_t> tokens = random_tokens(count - left[b], rows);
        left[b] -= rows;
        all -= rows;
        append(batch, sequences[b], tokens,
               left[b] == 0 ? nn::Batch::Logits::last : nn::Batch::Logits::none);
      }
      forward(batch);
    }
  }

  /// One token more in every sequence, and the likeliest to follow it.
  void write(std::vector<nn::KvSequence>& sequences, std::vector<std::int32_t>& tokens) {
    nn::Batch batch;
    for (std::size_t b = 0; b < sequences.size(); ++b) {
      append(batch, sequences[b], {&tokens[b], 1}, nn::Batch::Logits::last);
    }
    const Tensor logits = forward(batch);
    const std::int64_t V = logits.size(1);
    for (std::size_t b = 0; b < tokens.size(); ++b) {
      const float* row = logits.data<float>() + static_cast<std::int64_t>(b) * V;
      tokens[b] = static_cast<std::int32_t>(context_.kernels.argmax(row, V));
    }
  }

  static void append(nn::Batch& batch, nn::KvSequence& sequence,
                     std::span<const std::int32_t> tokens, nn::Batch::Logits logits) {
    const std::int64_t first = sequence.length();
    sequence.extend(static_cast<std::int64_t>(tokens.size()));
    batch.append(tokens, first, &sequence, logits);
  }

  Tensor forward(const nn::Batch& batch) const {
    if (context_.stop != nullptr) context_.stop->check("bench");
    return lm_.forward(batch, context_);
  }

  const model::CausalLm& lm_;
  const Context& context_;
  SpeedOptions options_;
  nn::KvPool pool_;
  std::vector<nn::KvSequence> filled_;
};

void check(const model::Model& model, const SpeedOptions& options) {
  const std::int64_t limit = model.lm->shape().context;
  const std::int64_t longest = options.depth + std::max(options.prefill, options.decode);
  if (longest > limit) {
    fail(ErrorKind::bad_argument, "bench: depth and tokens are {} together, the model's context {}",
         longest, limit);
  }
  if (options.prefill + options.decode < 1) {
    fail(ErrorKind::bad_argument, "bench: nothing to measure, prefill and decode are both 0");
  }
}

/// Runs f(thread) on `threads` threads that start together; the sum of the results.
template <class F>
double sum_over_threads(int threads, const F& f) {
  std::vector<double> results(static_cast<std::size_t>(threads));
  std::barrier start(threads);
  std::vector<std::jthread> team;
  team.reserve(results.size());
  for (std::size_t i = 0; i < results.size(); ++i) {
    team.emplace_back([&, i] {
      start.arrive_and_wait();
      results[i] = f(i);
    });
  }
  team.clear();  // joins
  double sum = 0;
  for (const double result : results) sum += result;
  return sum;
}

}  // namespace

SpeedRuns measure_speed(const model::Model& model, const Context& context,
                        const SpeedOptions& options, ProgressSink& progress) {
  check(model, options);
  progress.begin("bench", static_cast<std::uint64_t>(options.runs) + 1, "runs");
  SpeedTest test(model, context, options);
  if (options.prefill > 0) test.prefill();
  if (options.decode > 0) test.decode(std::min<std::int64_t>(options.decode, 8));
  SpeedRuns runs;
  for (std::int64_t run = 0; run < options.runs; ++run) {
    progress.update(static_cast<std::uint64_t>(run) + 1);
    if (options.prefill > 0) runs.prefill.push_back(test.prefill());
    if (options.decode > 0) runs.decode.push_back(test.decode(options.decode));
  }
  progress.end();
  return runs;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

Roof measure_roof(simd::Level level, int threads) {
  constexpr std::size_t kBytes = std::size_t{256} << 20;  // far beyond any cache
  Roof roof;
  roof.f32_gflops =
      sum_over_threads(threads, [&](std::size_t) { return kernel::f32_gflops(level); });
  roof.bf16_gflops =
      sum_over_threads(threads, [&](std::size_t) { return kernel::bf16_gflops(level); });
  roof.int8_gops = sum_over_threads(threads, [&](std::size_t) { return kernel::int8_gops(level); });
  const StorageRef memory = heap_storage(kBytes);  // huge pages, as weights have
  std::memset(memory->data, 1, kBytes);
  ThreadPool pool(threads);
  roof.dram_gb_per_second = kernel::read_gb_per_second(level, pool, {memory->data, kBytes});
  return roof;
}

Json to_json(const Roof& roof) {
  return Json{{"f32_gflops", roof.f32_gflops},
              {"bf16_gflops", roof.bf16_gflops},
              {"int8_gops", roof.int8_gops},
              {"dram_gb_per_second", roof.dram_gb_per_second}};
}

}  // namespace pomona::eval
