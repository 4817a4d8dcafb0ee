#include "eval/answer_perplexity.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "eval/moments.h"
#include "nn/kv_pool.h"

namespace pomona::eval {
namespace {

constexpr std::int64_t kPiece = 256;  // rows of one forward pass: what bounds the memory of logits

std::int64_t length_of(const std::vector<std::int32_t>& tokens) {
  return static_cast<std::int64_t>(tokens.size());
}

/// Tokens at the front of all prompts, in whole blocks of the cache, at least one token of each
/// prompt being left.
std::int64_t shared_tokens(std::span<const KnownAnswer> rows) {
  const std::vector<std::int32_t>& first = rows.front().prompt;
  std::int64_t shared = length_of(first) - 1;
  for (const KnownAnswer& row : rows) {
    const auto end =
        std::mismatch(first.begin(), first.end(), row.prompt.begin(), row.prompt.end()).first;
    shared = std::min(
        {shared, static_cast<std::int64_t>(end - first.begin()), length_of(row.prompt) - 1});
  }
  return shared / kernel::kKvBlock * kernel::kKvBlock;
}

void check(const model::Model& model, std::span<const KnownAnswer> rows) {
  const std::int64_t most = model.lm->shape().context;
  std::size_t tokens = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::int64_t length = length_of(rows[i].prompt) + length_of(rows[i].answer);
    if (rows[i].prompt.empty())
      fail(ErrorKind::bad_argument, "perplexity: row {} has a prompt without tokens", i + 1);
    if (length > most)
      fail(ErrorKind::bad_argument,
           "perplexity: row {} has {} tokens with its answer, the model takes {}", i + 1, length,
           most);
    tokens += rows[i].answer.size();
  }
  if (tokens == 0) fail(ErrorKind::bad_argument, "perplexity: no answer has a token");
}

class AnswerReader {
 public:
  AnswerReader(const model::Model& model, const Context& context, std::int64_t longest,
               std::int64_t shared)
      : lm_(*model.lm),
        context_(context),
        pool_(model::kv_shape(lm_.shape(), context.compute, std::nullopt),
              nn::kv_blocks(shared) + nn::kv_blocks(longest)),
        shared_(pool_) {}

  void read_shared(std::span<const std::int32_t> tokens) { read(tokens, shared_); }

  /// Log probabilities of the answer's tokens.
  std::vector<double> log_probabilities(const KnownAnswer& row) {
    nn::KvSequence cache(pool_);
    for (const std::int32_t block : shared_.blocks()) cache.append_shared(block);
    const auto rest = std::span(row.prompt).subspan(static_cast<std::size_t>(cache.length()));
    read(rest.first(rest.size() - 1), cache);
    std::vector<std::int32_t> tokens = {row.prompt.back()};
    tokens.insert(tokens.end(), row.answer.begin(), row.answer.end());
    std::vector<double> found(row.answer.size());
    const std::int64_t count = length_of(row.answer);
    for (std::int64_t begin = 0; begin < count; begin += kPiece) {
      const std::int64_t rows = std::min(kPiece, count - begin);
      const Tensor logits = forward(std::span(tokens).subspan(static_cast<std::size_t>(begin),
                                                              static_cast<std::size_t>(rows)),
                                    cache, nn::Batch::Logits::all);
      const std::int64_t V = lm_.shape().V;
      context_.pool.parallel_for(rows, [&](std::int64_t i) {
        const auto at = static_cast<std::size_t>(begin + i);
        found[at] = log_probability(logits.data<float>() + i * V, V, tokens[at + 1]);
      });
    }
    return found;
  }

 private:
  /// Changes the row.
  double log_probability(float* row, std::int64_t V, std::int32_t next) const {
    const float best = row[context_.kernels.argmax(row, V)];
    const double followed = static_cast<double>(row[next]) - static_cast<double>(best);
    return followed - std::log(context_.kernels.exp_sum(row, V, best, 1));
  }

  Tensor forward(std::span<const std::int32_t> tokens, nn::KvSequence& cache,
                 nn::Batch::Logits wanted) {
    if (context_.stop != nullptr) context_.stop->check("perplexity");
    const std::int64_t begin = cache.length();
    cache.extend(static_cast<std::int64_t>(tokens.size()));
    nn::Batch batch;
    batch.append(tokens, begin, &cache, wanted);
    return lm_.forward(batch, context_);
  }

  void read(std::span<const std::int32_t> tokens, nn::KvSequence& cache) {
    while (!tokens.empty()) {
      const std::size_t count = std::min(tokens.size(), static_cast<std::size_t>(kPiece));
      forward(tokens.first(count), cache, nn::Batch::Logits::none);
      tokens = tokens.subspan(count);
    }
  }

  const model::CausalLm& lm_;
  const Context& context_;
  nn::KvPool pool_;
  nn::KvSequence shared_;
};

}  // namespace

Perplexity answer_perplexity(const model::Model& model, const Context& context,
                             std::span<const KnownAnswer> answers, ProgressSink& progress) {
  check(model, answers);
  std::vector<KnownAnswer> rows(answers.begin(), answers.end());
  for (KnownAnswer& row : rows) row.prompt = model.lm->with_virtual_tokens(row.prompt);
  std::int64_t longest = 0;
  for (const KnownAnswer& row : rows)
    longest = std::max(longest, length_of(row.prompt) + length_of(row.answer));
  const std::int64_t shared = shared_tokens(rows);
  AnswerReader reader(model, context, longest, shared);
  progress.begin("perplexity", rows.size(), "rows");
  reader.read_shared(std::span(rows.front().prompt).first(static_cast<std::size_t>(shared)));
  Moments moments;
  std::uint64_t done = 0;
  for (const KnownAnswer& row : rows) {
    for (const double value : reader.log_probabilities(row)) moments.add(-value);
    if (moments.count() > 0 && !std::isfinite(moments.mean()))
      fail(ErrorKind::bad_file,
           "perplexity: the model's predictions are no numbers from row {} on: its weights are "
           "damaged",
           done + 1);
    progress.update(++done);
  }
  progress.end();
  Perplexity result;
  result.chunks = static_cast<std::int64_t>(rows.size());
  result.tokens = moments.count();
  result.perplexity = std::exp(moments.mean());
  result.standard_error = result.perplexity * moments.standard_error();
  return result;
}

}  // namespace pomona::eval
