#include "train/language_modelling.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "op/ops.h"

namespace pomona::train {
namespace {

/// Rows whose logits are in memory together: (rows, V) twice, with their gradients.
constexpr std::int64_t kLogitRows = 256;

Tensor token_losses(const model::CausalLm& lm, const Context& context, const Tensor& states,
                    const Tensor& targets) {
  return op::cross_entropy(context, lm.logits(states, context), targets);
}

double sum_of(const Tensor& losses) {
  double sum = 0;
  for (std::int64_t i = 0; i < losses.elements(); ++i)
    sum += static_cast<double>(losses.data<float>()[i]);
  return sum;
}

}  // namespace

/// The rows of one forward pass, and the token that each wanted state is to tell.
struct LanguageModelling::Pass {
  nn::Batch batch;
  Tensor targets;  // (wanted), i32
};

LanguageModelling::LanguageModelling(const model::CausalLm& lm, std::vector<Set> sets)
    : lm_(lm), sets_(std::move(sets)) {}

RowSize LanguageModelling::size(const RowId& row) const {
  const Examples& examples = *sets_[static_cast<std::size_t>(row.set)].examples;
  const auto at = static_cast<std::size_t>(row.row);
  const std::int64_t front = lm_.virtual_tokens() ? lm_.virtual_tokens()->count() : 0;
  return {front + examples.length(at), examples.supervised(at)};
}

std::string LanguageModelling::name(const RowId& row) const {
  const Set& set = sets_[static_cast<std::size_t>(row.set)];
  return set.examples->place(static_cast<std::size_t>(row.row));
}

LanguageModelling::Pass LanguageModelling::pass(const Context& context,
                                                std::span<const RowId> rows) const {
  Pass pass;
  const std::int64_t front = lm_.virtual_tokens() ? lm_.virtual_tokens()->count() : 0;
  const auto V = static_cast<std::int32_t>(lm_.shape().V);
  std::vector<std::int32_t> targets, tokens;
  for (const RowId& id : rows) {
    const Example example =
        sets_[static_cast<std::size_t>(id.set)].examples->example(static_cast<std::size_t>(id.row));
    tokens.clear();
    for (std::int64_t i = 0; i < front; ++i) tokens.push_back(V + static_cast<std::int32_t>(i));
    tokens.insert(tokens.end(), example.tokens.begin(), example.tokens.end());
    // Nothing behind the last supervised token is computed: its state tells what nobody asks for.
    std::size_t end = example.supervised.size();
    while (end > 0 && example.supervised[end - 1] == 0) --end;
    const auto used = static_cast<std::size_t>(front) + (end > 0 ? end - 1 : 0);
    if (used == 0) continue;  // only a first token is supervised, which nothing stands before
    const auto first = static_cast<std::int32_t>(pass.batch.T());
    pass.batch.append(std::span(tokens).first(used), 0, nullptr, nn::Batch::Logits::none);
    for (std::size_t i = 0; i < end; ++i) {
      const std::int64_t state = front + static_cast<std::int64_t>(i) - 1;
      if (example.supervised[i] == 0 || state < 0) continue;
      pass.batch.wanted.push_back(first + static_cast<std::int32_t>(state));
      targets.push_back(example.tokens[i]);
    }
  }
  pass.targets = context.empty({static_cast<std::int64_t>(targets.size())}, DType::i32);
  if (!context.planning())
    std::copy(targets.begin(), targets.end(), pass.targets.data<std::int32_t>());
  return pass;
}

LossSum LanguageModelling::accumulate(const Context& context, std::span<const RowId> rows,
                                      double factor) {
  const Pass pass = this->pass(context, rows);
  const std::int64_t wanted = pass.targets.size(0);
  if (wanted == 0) return {};
  Tape tape;
  Context recording = context;
  recording.tape = &tape;
  const Tensor states = lm_.states(pass.batch, recording);
  const Tensor dstates = context.empty(states.shape());
  LossSum sum{0, wanted};
  for (std::int64_t begin = 0; begin < wanted; begin += kLogitRows) {
    const std::int64_t count = std::min(kLogitRows, wanted - begin);
    // Each piece runs back at once, so that logits are never all in memory.
    Tape piece;
    recording.tape = &piece;
    Tensor some = states.narrow(0, begin, count);
    some.set_variable(nullptr);
    if (states.needs_gradient()) some.set_variable(std::make_shared<Variable>());
    const Tensor losses = token_losses(lm_, recording, some, pass.targets.narrow(0, begin, count));
    if (!context.planning()) sum.loss += sum_of(losses);
    piece.backward(context, op::scaled_sum(recording, losses, factor));
    if (some.needs_gradient() && !context.planning()) {
      std::memcpy(dstates.data<float>() + begin * states.size(1), some.gradient().raw(),
                  static_cast<std::size_t>(some.gradient().bytes()));
    }
  }
  if (states.needs_gradient()) tape.backward(context, states, dstates);
  return sum;
}

LossSum LanguageModelling::evaluate(const Context& context, std::span<const RowId> rows) const {
  const Pass pass = this->pass(context, rows);
  const std::int64_t wanted = pass.targets.size(0);
  if (wanted == 0) return {};
  const Tensor states = lm_.states(pass.batch, context);
  LossSum sum{0, wanted};
  for (std::int64_t begin = 0; begin < wanted; begin += kLogitRows) {
    const std::int64_t count = std::min(kLogitRows, wanted - begin);
    sum.loss += sum_of(token_losses(lm_, context, states.narrow(0, begin, count),
                                    pass.targets.narrow(0, begin, count)));
  }
  return sum;
}

}  // namespace pomona::train
