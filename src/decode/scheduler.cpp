#include "decode/scheduler.h"

#include <algorithm>
#include <array>

#include "base/clock.h"
#include "base/error.h"
#include "decode/answer.h"
#include "decode/prefix_cache.h"
#include "text/tokenizer.h"

namespace pomona::decode {
namespace {

/// Positions that a cache has room for at least, without knowing the requests to come.
constexpr std::int64_t kUsualPositions = 8192;

/// A request on its way: first the prompt goes through the model in pieces, then one token at a
/// time.
struct Sequence {
  std::int64_t id;
  Request request;
  std::vector<std::int32_t> tokens;  // prompt, then what was generated
  std::vector<BlockKey> keys;        // of the prompt's full blocks
  std::optional<nn::KvSequence> cache;
  std::unique_ptr<Answer> answer;
  Completion completion;
  double started = 0;
  double first_token = 0;

  std::int64_t prompt_length() const { return static_cast<std::int64_t>(request.prompt.size()); }
  std::int64_t most_positions() const { return prompt_length() + request.max_new_tokens; }
  /// Tokens that the model has not read yet.
  std::int64_t unread() const { return static_cast<std::int64_t>(tokens.size()) - cache->length(); }
  bool in_prompt() const { return cache->length() < prompt_length(); }
};

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
  std::int64_t largest_request = 0;  // in blocks
  std::optional<nn::KvPool> pool;
  std::optional<PrefixCache> prefixes;
  std::deque<Sequence> waiting;
  std::vector<Sequence> running;
  std::vector<std::pair<std::int64_t, Completion>> finished;

  /// A pool for what is known now, or a larger one that keeps what it holds. It grows by half at
  /// least, since in a long chat each request is a little larger than the one before.
  void provide_pool() {
    if (pool && !outgrown()) return;
    const std::int64_t usual = nn::kv_blocks(std::min(model.lm->shape().context, kUsualPositions));
    const std::int64_t blocks = options.kv_blocks > 0
                                    ? options.kv_blocks
                                    : std::max(usual, options.max_sequences * largest_request);
    if (pool) return pool->grow(std::max(blocks, pool->capacity() * 3 / 2));
    pool.emplace(model::kv_shape(model.lm->shape(), context.compute), blocks);
    prefixes.emplace(*pool);
  }

  /// Blocks that running sequences may still ask for.
  std::int64_t promised_blocks() const {
    std::int64_t blocks = 0;
    for (const Sequence& sequence : running) {
      blocks += nn::kv_blocks(sequence.most_positions()) -
                static_cast<std::int64_t>(sequence.cache->blocks().size());
    }
    return blocks;
  }

  /// Whether a running sequence is about to compute the block that this one misses first: better to
  /// wait for it.
  bool prefix_is_coming(const Sequence& sequence) const {
    const auto missing =
        std::ranges::find_if(sequence.keys, [&](BlockKey key) { return !prefixes->has(key); });
    if (missing == sequence.keys.end()) return false;
    return std::ranges::any_of(running, [&](const Sequence& other) {
      return other.in_prompt() && std::ranges::find(other.keys, *missing) != other.keys.end();
    });
  }

  /// A request came that is larger than the pool was made for.
  bool outgrown() const {
    return std::ranges::any_of(waiting, [&](const Sequence& sequence) {
      return nn::kv_blocks(sequence.most_positions()) > pool->capacity();
    });
  }

  /// Starts waiting requests while there is room for the whole of each.
  void admit() {
    for (auto next = waiting.begin();
         next != waiting.end() &&
         static_cast<std::int64_t>(running.size()) < options.max_sequences;) {
      if (prefix_is_coming(*next)) {
        ++next;
        continue;
      }
      next->cache.emplace(*pool);
      const std::int64_t shared = prefixes->share(next->request.prompt, next->keys, *next->cache);
      const std::int64_t need = nn::kv_blocks(next->most_positions()) -
                                static_cast<std::int64_t>(next->cache->blocks().size());
      const std::int64_t promised = promised_blocks();
      prefixes->make_room(promised + need);
      if (pool->free_blocks() < promised + need) {
        next->cache.reset();
        return;
      }
      next->completion.shared_tokens = shared;
      next->started = steady_seconds();
      running.push_back(std::move(*next));
      next = waiting.erase(next);
    }
  }

  /// Decoding sequences first, one row each, then pieces of prompts up to the token budget.
  nn::Batch form_batch(std::vector<Sequence*>& wanting) {
    nn::Batch batch;
    const auto add = [&](Sequence& sequence, std::int64_t count) {
      const std::int64_t first = sequence.cache->length();
      const bool last = first + count == static_cast<std::int64_t>(sequence.tokens.size());
      sequence.cache->extend(count);
      batch.append(std::span(sequence.tokens)
                       .subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)),
                   first, &*sequence.cache,
                   last ? nn::Batch::Logits::last : nn::Batch::Logits::none);
      if (last) wanting.push_back(&sequence);
    };
    for (Sequence& sequence : running) {
      if (!sequence.in_prompt()) add(sequence, 1);
    }
    std::int64_t budget = options.prefill_tokens;
    for (Sequence& sequence : running) {
      if (budget > 0 && sequence.in_prompt()) {
        const std::int64_t count = std::min(budget, sequence.unread());
        add(sequence, count);
        budget -= count;
      }
    }
    return batch;
  }

  /// Takes the next token of a sequence from its logits; true if that ends it.
  bool advance(Sequence& sequence, std::span<float> logits) {
    const double now = steady_seconds();
    const auto generated = static_cast<std::uint64_t>(sequence.completion.tokens.size());
    if (generated == 0) {
      sequence.first_token = now;
      prefixes->add(sequence.request.prompt, sequence.keys, *sequence.cache);
    }
    sequence.completion.decode_seconds = now - sequence.first_token;
    const std::int32_t token =
        sample(context.kernels, sequence.request.sampling, logits, sequence.tokens, generated);
    if (std::ranges::find(model.end_tokens, token) != model.end_tokens.end()) {
      sequence.completion.reason = StopReason::end;
      return true;
    }
    sequence.tokens.push_back(token);
    sequence.completion.tokens.push_back(token);
    if (sequence.answer->push(token)) {
      sequence.completion.reason = StopReason::stop;
      return true;
    }
    sequence.completion.reason = StopReason::length;
    return static_cast<std::int64_t>(sequence.completion.tokens.size()) ==
           sequence.request.max_new_tokens;
  }

  void finish(Sequence& sequence) {
    if (sequence.completion.reason != StopReason::stop) sequence.answer->finish();
    sequence.completion.text = sequence.answer->text();
    sequence.completion.prompt_tokens = sequence.prompt_length();
    if (sequence.first_token > 0)
      sequence.completion.prefill_seconds = sequence.first_token - sequence.started;
    if (sequence.cache)
      prefixes->add(sequence.tokens, block_keys(sequence.tokens), *sequence.cache);
    sequence.cache.reset();
    finished.emplace_back(sequence.id, std::move(sequence.completion));
  }

  /// Forgets every request that has not ended: after an error caches hold less than they count.
  void drop_all() {
    running.clear();
    waiting.clear();
  }

  void drop_cancelled() {
    const auto cancelled = [&](Sequence& sequence) {
      if (sequence.request.cancel == nullptr || !sequence.request.cancel->requested()) return false;
      sequence.completion.reason = StopReason::cancelled;
      finish(sequence);
      return true;
    };
    std::erase_if(running, cancelled);
    std::erase_if(waiting, cancelled);
  }

  bool step() {
    if (context.stop != nullptr) context.stop->check("generate");
    drop_cancelled();
    provide_pool();
    admit();
    if (running.empty()) return false;

    std::vector<Sequence*> wanting;
    const nn::Batch batch = form_batch(wanting);
    const Tensor logits = model.lm->forward(batch, context);
    // An embedding may have more rows than there are tokens, to be a round number.
    const std::size_t tokens = model.tokenizer->vocabulary_size();
    std::vector<const Sequence*> ended;
    for (std::size_t i = 0; i < wanting.size(); ++i) {
      float* const row = logits.data<float>() + static_cast<std::int64_t>(i) * logits.stride(0);
      if (advance(*wanting[i], {row, tokens})) ended.push_back(wanting[i]);
    }
    for (Sequence& sequence : running) {
      if (std::ranges::find(ended, &sequence) != ended.end()) finish(sequence);
    }
    std::erase_if(running, [](const Sequence& sequence) { return !sequence.cache; });
    return true;
  }
};

Scheduler::Scheduler(const model::Model& model, const Context& context, SchedulerOptions options)
    : state_(std::make_unique<State>(model, context, options)) {}
Scheduler::~Scheduler() = default;

std::int64_t Scheduler::submit(Request request) {
  request.sampling.check();
  if (request.prompt.empty())
    fail(ErrorKind::bad_argument, "prompt: it has no tokens; give it some text");
  if (request.max_new_tokens < 1) {
    fail(ErrorKind::bad_argument, "generate: {} new tokens asked for, at least 1 needed",
         request.max_new_tokens);
  }
  const auto prompt = static_cast<std::int64_t>(request.prompt.size());
  const std::int64_t limit = state_->model.lm->shape().context;
  if (request.max_new_tokens > limit - prompt) {
    const auto all = static_cast<std::uint64_t>(prompt) +
                     static_cast<std::uint64_t>(request.max_new_tokens);  // may exceed int64
    fail(ErrorKind::bad_argument,
         "prompt: its {} tokens and {} new ones are {} more than the model's context of {}; "
         "shorten the prompt or ask for fewer",
         prompt, request.max_new_tokens, all - static_cast<std::uint64_t>(limit), limit);
  }
  const auto V = static_cast<std::int64_t>(state_->model.tokenizer->vocabulary_size());
  for (const std::int32_t token : request.prompt) {
    if (token < 0 || token >= V)
      fail(ErrorKind::bad_argument, "prompt: token {}, the vocabulary has {}", token, V);
  }
  const std::int64_t blocks = nn::kv_blocks(prompt + request.max_new_tokens);
  if (state_->options.kv_blocks > 0 && blocks > state_->options.kv_blocks) {
    fail(ErrorKind::exhausted, "prompt: needs {} blocks of KV cache, there are {}", blocks,
         state_->options.kv_blocks);
  }
  state_->largest_request = std::max(state_->largest_request, blocks);
  Sequence sequence{state_->next_id++, std::move(request), {}, {}, {}, {}, {}, 0, 0};
  sequence.tokens = sequence.request.prompt;
  sequence.keys = block_keys(sequence.tokens);
  sequence.answer = std::make_unique<Answer>(*state_->model.tokenizer, sequence.request.stop,
                                             sequence.request.on_text);
  state_->waiting.push_back(std::move(sequence));
  return state_->next_id - 1;
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
