#include "decode/scheduler.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <optional>

#include "base/error.h"
#include "decode/job.h"
#include "decode/prefix_cache.h"
#include "text/tokenizer.h"

namespace pomona::decode {
namespace {

/// Positions that a cache has room for at least, without knowing the requests to come.
constexpr std::int64_t kUsualPositions = 8192;

/// Waiting requests that are looked at for one that can start, so that thousands cost nothing.
constexpr std::size_t kLookedAt = 64;

std::int64_t common_prefix(std::span<const std::int32_t> a, std::span<const std::int32_t> b) {
  return std::ranges::mismatch(a, b).in1 - a.begin();
}

}  // namespace

std::string_view name_of(StopReason reason) {
  constexpr std::array<std::string_view, 4> kNames = {"end", "length", "stop", "cancelled"};
  return kNames[static_cast<std::size_t>(reason)];
}

struct Scheduler::State {
  State(const model::Model& served, const Context& given, SchedulerOptions chosen)
      : model(served), context(given), options(chosen) {}

  const model::Model& model;
  Context context;
  SchedulerOptions options;
  std::int64_t next_id = 0;
  std::int64_t largest_request = 0;  // in blocks, with one that the last of its prefix comes from
  std::optional<nn::KvPool> pool;
  std::optional<PrefixCache> prefixes;
  std::deque<Job> waiting;
  std::vector<Job> running;
  std::vector<std::pair<std::int64_t, Completion>> finished;

  /// A pool for what is known now, or a larger one that keeps what it holds. It grows by half at
  /// least, since in a long chat each request is a little larger than the one before.
  void provide_pool() {
    if (pool && (options.kv_blocks > 0 || largest_request <= pool->capacity())) return;
    const std::int64_t usual = nn::kv_blocks(std::min(model.lm->shape().context, kUsualPositions));
    const std::int64_t blocks = options.kv_blocks > 0
                                    ? options.kv_blocks
                                    : std::max(usual, options.max_sequences * largest_request);
    if (pool) return pool->grow(std::max(blocks, pool->capacity() * 3 / 2));
    pool.emplace(model::kv_shape(model.lm->shape(), context.compute, options.kv_kind), blocks);
    prefixes.emplace(*pool);
  }

  /// Blocks that running requests may still ask for.
  std::int64_t promised_blocks() const {
    std::int64_t blocks = 0;
    for (const Job& job : running) blocks += job.blocks_to_come();
    return blocks;
  }

  /// Answers that are or will be decoded together.
  std::int64_t running_width() const {
    std::int64_t width = 0;
    for (const Job& job : running) width += job.width();
    return width;
  }

  /// Whether a running request is about to compute more of this prompt than is cached, a block at
  /// least or by its next piece: better to wait for it.
  bool prefix_is_coming(const Job& job) const {
    const std::span<const std::int32_t> prompt = job.request().prompt;
    std::int64_t known = -1;
    return std::ranges::any_of(running, [&](const Job& other) {
      if (!other.in_prompt()) return false;
      const std::int64_t common = common_prefix(prompt, other.request().prompt);
      const bool soon = other.branches().front().unread() <= options.prefill_tokens;
      if (common < kernel::kKvBlock && !soon) return false;
      if (known < 0) known = prefixes->known(prompt);
      return common - known >= (soon ? kernel::kKvBlock / 4 : kernel::kKvBlock);
    });
  }

  /// Starts a request if there is room for the whole of it.
  bool start(Job& job) {
    nn::KvSequence cache(*pool);
    const auto fits = [&] {
      const std::int64_t need = job.most_blocks() -
                                static_cast<std::int64_t>(cache.blocks().size()) +
                                (cache.copies_next() ? 1 : 0);
      const std::int64_t promised = promised_blocks();
      prefixes->make_room(promised + need);
      return pool->free_blocks() >= promised + need;
    };
    prefixes->share(job.request().prompt, cache);
    if (!fits()) {
      cache.clear();
      prefixes->share(job.request().prompt, cache, true);
      if (!fits()) return false;
    }
    job.start(std::move(cache));
    return true;
  }

  void admit() {
    std::size_t looked_at = 0;
    for (auto next = waiting.begin(); next != waiting.end() && looked_at++ < kLookedAt;) {
      if (!running.empty() && running_width() + next->width() > options.max_sequences) return;
      if (prefix_is_coming(*next)) {
        ++next;
        continue;
      }
      if (!start(*next)) return;
      running.push_back(std::move(*next));
      next = waiting.erase(next);
    }
  }

  /// A request's rows in a batch.
  struct Wanting {
    Job* job;
    std::size_t rows;
  };

  /// Decoding answers first, one row each, then pieces of prompts up to the token budget.
  nn::Batch form_batch(std::vector<Wanting>& wanting) {
    nn::Batch batch;
    const auto add = [&](Branch& branch, std::int64_t count) {
      const std::int64_t first = branch.cache.length();
      const bool last = count == branch.unread();
      branch.cache.extend(count);
      batch.append(std::span(branch.tokens)
                       .subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)),
                   first, &branch.cache, last ? nn::Batch::Logits::last : nn::Batch::Logits::none);
      return last;
    };
    for (Job& job : running) {
      if (job.in_prompt()) continue;
      for (Branch& branch : job.branches()) add(branch, 1);
      wanting.push_back({&job, job.branches().size()});
    }
    std::int64_t budget = options.prefill_tokens;
    for (Job& job : running) {
      if (budget <= 0 || !job.in_prompt()) continue;
      const std::int64_t count = std::min(budget, job.branches().front().unread());
      if (add(job.branches().front(), count)) wanting.push_back({&job, 1});
      budget -= count;
    }
    return batch;
  }

  /// Remembers what is read of a prompt; its last block only if somebody waits, and where the copy
  /// that this costs has room.
  void remember(const Job& job) {
    const Branch& branch = job.branches().front();
    prefixes->add(branch.tokens, branch.cache, false);
    if (job.in_prompt() || waiting.empty() || pool->free_blocks() <= promised_blocks()) return;
    prefixes->add(branch.tokens, branch.cache, true);
  }

  void finish(const Job& job, std::vector<Ended> ended) {
    for (Ended& one : ended) {
      if (one.branch) prefixes->add(one.branch->tokens, one.branch->cache, true);
      one.branch.reset();
      finished.emplace_back(job.id(), std::move(one.completion));
    }
  }

  /// Forgets every request that has not ended: after an error caches hold less than they count.
  void drop_all() {
    running.clear();
    waiting.clear();
  }

  void drop_cancelled() {
    const auto cancelled = [&](Job& job) {
      if (!job.cancelled()) return false;
      finish(job, job.cancel());
      return true;
    };
    std::erase_if(running, cancelled);
    std::erase_if(waiting, cancelled);
  }

  bool step() {
    if (context.stop != nullptr) context.stop->check("generate");
    provide_pool();
    drop_cancelled();
    admit();
    if (running.empty()) return false;

    std::vector<Job*> reading;
    for (Job& job : running) {
      if (job.in_prompt()) reading.push_back(&job);
    }
    std::vector<Wanting> wanting;
    const nn::Batch batch = form_batch(wanting);
    const Tensor logits = model.lm->forward(batch, context);
    for (Job* const job : reading) {
      remember(*job);
      if (job->request().on_prompt) job->request().on_prompt(job->prompt_read());
    }
    take_rows(wanting, logits);
    std::erase_if(running, [](const Job& job) { return job.branches().empty(); });
    return true;
  }

  void take_rows(const std::vector<Wanting>& wanting, const Tensor& logits) {
    // An embedding may have more rows than there are tokens, to be a round number.
    const std::size_t tokens = model.tokenizer->vocabulary_size();
    std::int64_t row = 0;
    for (const auto& [job, count] : wanting) {
      std::vector<std::span<float>> rows;
      for (std::size_t i = 0; i < count; ++i, ++row) {
        const float* const values = logits.data<float>() + row * logits.stride(0);
        const std::int64_t best = context.kernels.argmax(values, static_cast<std::int64_t>(tokens));
        if (!std::isfinite(values[best]))
          fail(ErrorKind::bad_file,
               "generate: the predictions of {} are no numbers: its weights are damaged",
               model.path.string());
        rows.emplace_back(logits.data<float>() + row * logits.stride(0), tokens);
      }
      finish(*job, job->advance(rows));
    }
  }

  void check(const Request& request) const;
};

void Scheduler::State::check(const Request& request) const {
  const auto V = static_cast<std::int64_t>(model.tokenizer->vocabulary_size());
  request.sampling.check(V);
  if (request.prompt.empty())
    fail(ErrorKind::bad_argument, "prompt: it has no tokens; give it some text");
  if (request.max_new_tokens < 1) {
    fail(ErrorKind::bad_argument, "generate: {} new tokens asked for, at least 1 needed",
         request.max_new_tokens);
  }
  if (request.min_new_tokens < 0 || request.min_new_tokens > request.max_new_tokens) {
    fail(ErrorKind::bad_argument, "generate: at least {} new tokens asked for, at most {}",
         request.min_new_tokens, request.max_new_tokens);
  }
  if (request.answers < 1)
    fail(ErrorKind::bad_argument, "generate: {} answers asked for, at least 1 needed",
         request.answers);
  const BeamOptions& search = request.search;
  if (search.beams < 1 || search.beams > kMostBeams) {
    fail(ErrorKind::bad_argument, "beams {}: must be from 1 (no beam search) to {}", search.beams,
         kMostBeams);
  }
  if (search.beams > 1 && request.answers > search.beams) {
    fail(ErrorKind::bad_argument, "generate: {} answers of {} beams asked for; ask for more beams",
         request.answers, search.beams);
  }
  if (search.beams > 1 && request.sampling.temperature != 0) {
    fail(ErrorKind::bad_argument,
         "beams {}: a beam search draws nothing; leave the temperature at 0", search.beams);
  }
  if (!std::isfinite(search.length_penalty))
    fail(ErrorKind::bad_argument, "length penalty {}: must be a number", search.length_penalty);
  if (request.logprobs && (*request.logprobs < 0 || *request.logprobs > kMostLogprobs)) {
    fail(ErrorKind::bad_argument, "logprobs {}: must be from 0 to {}", *request.logprobs,
         kMostLogprobs);
  }
  const auto prompt = static_cast<std::int64_t>(request.prompt.size());
  const std::int64_t limit = model.lm->shape().context;
  if (prompt >= limit) {
    fail(ErrorKind::bad_argument,
         "prompt: its {} tokens do not fit the model's context of {}, which the answer needs a "
         "part of as well; shorten it by {} at least",
         prompt, limit, prompt - limit + 1);
  }
  if (request.max_new_tokens > limit - prompt) {
    const auto all = static_cast<std::uint64_t>(prompt) +
                     static_cast<std::uint64_t>(request.max_new_tokens);  // may exceed int64
    fail(ErrorKind::bad_argument,
         "prompt: its {} tokens and {} new ones are {} more than the model's context of {}; "
         "shorten the prompt or ask for fewer",
         prompt, request.max_new_tokens, all - static_cast<std::uint64_t>(limit), limit);
  }
  for (const std::int32_t token : request.prompt) {
    if (token < 0 || token >= V)
      fail(ErrorKind::bad_argument, "prompt: token {}, the vocabulary has {}", token, V);
  }
}

Scheduler::Scheduler(const model::Model& model, const Context& context, SchedulerOptions options)
    : state_(std::make_unique<State>(model, context, options)) {}
Scheduler::~Scheduler() = default;

std::int64_t Scheduler::submit(Request request) {
  state_->check(request);
  Job job(state_->next_id, std::move(request), state_->context.kernels, state_->model);
  const std::int64_t blocks = job.most_blocks();
  if (state_->options.kv_blocks > 0 && blocks > state_->options.kv_blocks) {
    fail(ErrorKind::exhausted, "prompt: needs {} blocks of KV cache, there are {}", blocks,
         state_->options.kv_blocks);
  }
  state_->largest_request = std::max(state_->largest_request, blocks + 1);
  state_->waiting.push_back(std::move(job));
  return state_->next_id++;
}

bool Scheduler::step() {
  try {
    return state_->step();
  } catch (...) {
    state_->drop_all();
    throw;
  }
}

std::vector<std::pair<std::int64_t, Completion>> Scheduler::take_finished() {
  return std::exchange(state_->finished, {});
}

void Scheduler::run(const std::function<void(std::int64_t, Completion)>& done) {
  try {
    bool more = true;
    while (more) {
      more = step();
      for (auto& [id, completion] : take_finished()) done(id, std::move(completion));
    }
  } catch (...) {
    state_->drop_all();
    state_->finished.clear();
    throw;
  }
}

std::int64_t Scheduler::peak_cache_bytes() const {
  return state_->pool ? state_->pool->peak_bytes() : 0;
}

}  // namespace pomona::decode
