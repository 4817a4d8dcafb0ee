// Requests with a common prefix through the scheduler: together, one after another through one
// scheduler (which keeps the prefix), and each alone (which computes it again). One JSON object.
// usage: batch_bench MODEL.gguf [requests] [prefix tokens] [own tokens] [new tokens] [threads]
// With the environment variable ALONE each request also goes alone.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/random.h"
#include "decode/scheduler.h"
#include "model/model.h"
#include "text/tokenizer.h"

namespace {

using namespace pomona;

struct Sizes {
  std::int64_t requests = 60, prefix = 300, own = 20, fresh = 32;
  int threads = 2;
};

/// Random tokens, the same in every run: `prefix` common ones, then `own` of each request.
std::vector<decode::Request> make_requests(const model::Model& model, const Sizes& sizes) {
  const auto V = static_cast<std::uint64_t>(model.tokenizer->vocabulary_size());
  const auto tokens = [&](std::uint64_t stream, std::int64_t count) {
    const Random random(1, stream);
    std::vector<std::int32_t> drawn;
    for (std::int64_t i = 0; i < count; ++i) {
      const double place = random.uniform(static_cast<std::uint64_t>(i));
      drawn.push_back(static_cast<std::int32_t>(place * static_cast<double>(V)));
    }
    return drawn;
  };
  const std::vector<std::int32_t> prefix = tokens(0, sizes.prefix);
  std::vector<decode::Request> requests;
  for (std::int64_t i = 0; i < sizes.requests; ++i) {
    decode::Request& request = requests.emplace_back();
    request.prompt = prefix;
    const std::vector<std::int32_t> own = tokens(static_cast<std::uint64_t>(i + 1), sizes.own);
    request.prompt.insert(request.prompt.end(), own.begin(), own.end());
    request.max_new_tokens = request.min_new_tokens = sizes.fresh;
  }
  return requests;
}

struct Outcome {
  double seconds = 0;
  std::int64_t shared = 0;  // prompt tokens found in the cache
  std::vector<std::vector<std::int32_t>> answers;
};

/// `group` requests at a time, each group by a scheduler of its own if `alone`.
Outcome run(const model::Model& model, const Context& context,
            const std::vector<decode::Request>& requests, std::size_t group, bool alone) {
  Outcome outcome;
  outcome.answers.resize(requests.size());
  const Stopwatch watch;
  auto scheduler = std::make_unique<decode::Scheduler>(model, context);
  for (std::size_t first = 0; first < requests.size(); first += group) {
    if (alone) scheduler = std::make_unique<decode::Scheduler>(model, context);
    std::int64_t begin = -1;
    for (std::size_t i = first; i < std::min(first + group, requests.size()); ++i) {
      const std::int64_t id = scheduler->submit(requests[i]);
      if (begin < 0) begin = id;
    }
    scheduler->run([&](std::int64_t id, decode::Completion done) {
      outcome.shared += done.shared_tokens;
      outcome.answers[first + static_cast<std::size_t>(id - begin)] = std::move(done.tokens);
    });
  }
  outcome.seconds = watch.seconds();
  return outcome;
}

}  // namespace

int main(int count, char** words) try {
  Sizes sizes;
  if (count < 2) return std::fprintf(stderr, "usage: batch_bench MODEL.gguf [sizes]\n"), 2;
  const auto number = [&](int place, auto& target) {
    if (count > place)
      target = static_cast<std::remove_reference_t<decltype(target)>>(std::atol(words[place]));
  };
  number(2, sizes.requests), number(3, sizes.prefix), number(4, sizes.own), number(5, sizes.fresh);
  number(6, sizes.threads);
  const model::Model model = model::load_model(words[1]);
  ThreadPool pool(sizes.threads);
  Arena arena(std::size_t{8} << 30);
  const Context context{pool, arena, kernel::table()};
  const std::vector<decode::Request> requests = make_requests(model, sizes);
  run(model, context, {requests.front()}, 1, true);  // packs the weights

  const Outcome apart = run(model, context, requests, 1, false);
  const Outcome together = run(model, context, requests, requests.size(), false);
  const auto tokens = static_cast<double>(sizes.requests * sizes.fresh);
  const auto told = [&](const Outcome& outcome) {
    return Json{{"seconds", outcome.seconds},
                {"tokens_per_second", tokens / outcome.seconds},
                {"shared_tokens", outcome.shared}};
  };
  Json json = {{"requests", sizes.requests},
               {"prefix_tokens", sizes.prefix},
               {"own_tokens", sizes.own},
               {"new_tokens", sizes.fresh},
               {"threads", sizes.threads},
               {"isa", simd::name_of(context.kernels.level)},
               {"together", told(together)},
               {"one_after_another", told(apart)},
               {"same_answers", together.answers == apart.answers}};
  if (std::getenv("ALONE") != nullptr) {
    const Outcome alone = run(model, context, requests, 1, true);
    json["each_alone"] = told(alone);
    json["same_answers"] = together.answers == apart.answers && together.answers == alone.answers;
  }
  std::printf("%s\n", json.dump().c_str());
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "batch_bench: %s\n", error.what());
  return 1;
}
