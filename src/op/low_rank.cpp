#include "op/low_rank.h"

#include <algorithm>
#include <cstring>

#include "base/random.h"
#include "op/ops.h"

namespace pomona::op {

using kernel::PanelKind;

LowRanks::LowRanks(std::span<const Parameter* const> weights, Noise* noise) {
  std::int64_t column = 0, rank = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    for (const auto& change : weights[i]->adapters) {
      parts_.push_back({i, change, column, rank});
      rank += change->a.value.size(0);
      if (noise != nullptr) dropout_ = std::max(dropout_, change->dropout);
    }
    column += weights[i]->value.size(0);
  }
  if (dropout_ > 0) {
    noise_ = *noise;
    ++noise->draws;
  }
}

void LowRanks::append_inputs(std::vector<Tensor>& inputs) const {
  for (const Part& part : parts_) {
    inputs.push_back(part.change->a.value);
    inputs.push_back(part.change->b.value);
  }
}

void LowRanks::check(std::span<const Parameter* const> weights) const {
  for (const Part& part : parts_) {
    const Tensor &a = part.change->a.value, &b = part.change->b.value,
                 &weight = weights[part.weight]->value;
    const bool fits = a.shape().rank() == 2 && b.shape().rank() == 2 &&
                      a.size(1) == weight.size(1) && b.size(0) == weight.size(0) &&
                      a.size(0) == b.size(1) && a.dtype() == b.dtype();
    if (!fits) {
      fail(ErrorKind::bad_shape, "linear: weight {}, low-rank change a {}, b {}",
           weight.shape().text(), a.shape().text(), b.shape().text());
    }
  }
}

/// All a, one below the other: (ranks, K).
Tensor LowRanks::stacked(const Context& context, const Tensor& x) const {
  const Tensor all = context.empty({ranks(), x.size(1)});
  if (context.planning()) return all;
  for (const Part& part : parts_) {
    const Tensor& a = part.change->a.value;
    std::memcpy(all.data<float>() + part.rank * x.size(1), a.raw(),
                static_cast<std::size_t>(a.bytes()));
  }
  return all;
}

/// y = or += x where it is not dropped, scaled so that its mean stays; y without gaps.
void LowRanks::drop(const Context& context, const Tensor& x, bool add, const Tensor& y) const {
  const std::int64_t D = x.size(1), blocks = (D + 3) / 4;
  const auto limit = static_cast<std::uint32_t>(dropout_ * 4294967295.0);
  const auto keep = static_cast<float>(1 / (1 - dropout_));
  parallel_rows(context, x.size(0), 8 * D, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      const float* const from = x.data<float>() + t * x.stride(0);
      float* const to = y.data<float>() + t * D;
      for (std::int64_t block = 0; block < blocks; ++block) {
        const auto bits = philox(noise_.seed, static_cast<std::uint64_t>(t * blocks + block),
                                 noise_.stream << 32 | noise_.draws);
        for (std::int64_t i = 4 * block; i < std::min(D, 4 * block + 4); ++i) {
          const float kept = bits[static_cast<std::size_t>(i % 4)] < limit ? 0.0F : from[i] * keep;
          to[i] = add ? to[i] + kept : kept;
        }
      }
    }
  });
}

/// What a sees of x.
Tensor LowRanks::seen(const Context& context, const Tensor& x) const {
  if (dropout_ == 0) return x;
  const Tensor rest = context.empty(x.shape());
  if (!context.planning()) drop(context, x, false, rest);
  return rest;
}

void LowRanks::plan_forward(const Context& context, const Tensor& x, Saved* saved) const {
  if (empty()) return;
  const PanelKind kind = gradient_kind(context.compute);
  const Tensor u = context.empty({x.size(0), ranks()});
  if (saved != nullptr) saved->push_back(u);
  const Packed a = Packed::for_now(context, stacked(context, x), kind);
  const Tensor input = seen(context, x);
  prepared_memory(context, kind, x.size(0), x.size(1));
}

void LowRanks::forward(const Context& context, const Tensor& x, const Tensor& y,
                       Saved* saved) const {
  if (empty()) return;
  const PanelKind kind = gradient_kind(context.compute);
  const Tensor u = context.empty({x.size(0), ranks()});
  if (saved != nullptr) saved->push_back(u);
  {
    const Packed a = Packed::for_now(context, stacked(context, x), kind);
    const Tensor input = seen(context, x);
    multiply(context, a, nullptr, prepared(context, kind, Rows::of(input)).raw(), Rows::of(u),
             false);
  }
  for (const Part& part : parts_) {
    const Rows mine = Rows::of(u, part.rank, part.R());
    const auto factor = static_cast<float>(part.change->scale);
    for (std::int64_t t = 0; t < mine.T; ++t) {
      float* const row = mine.data + t * mine.stride;
      context.kernels.f32.scale(row, factor, row, mine.columns);
    }
    const Tensor& b = part.change->b.value;
    multiply(context, Packed::for_now(context, b, kind), nullptr,
             prepared(context, kind, mine).raw(), Rows::of(y, part.column, b.size(0)), true);
  }
}

void LowRanks::plan_backward(const Context& context, const Tensor& x, const Tensor& dx,
                             std::span<Tensor> gradients) const {
  if (empty()) return;
  const PanelKind kind = gradient_kind(context.compute);
  const std::int64_t T = x.size(0);
  const Tensor du = context.empty({T, ranks()});
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const std::int64_t N = parts_[i].change->b.value.size(0);
    if (gradients[2 * i + 1].defined()) {
      const Tensor rows = prepared_memory(context, kind, N, T);
      const Packed panels(Packed::turned(context, du, kind));
    }
    const Tensor rows = prepared_memory(context, kind, T, N);
    Packed::turned(context, parts_[i].change->b.value, kind);
  }
  {
    const Tensor input = seen(context, x);
    const Packed panels = Packed::turned(context, input, kind);
    prepared_memory(context, kind, ranks(), T);
    context.empty({ranks(), x.size(1)});
  }
  if (!dx.defined()) return;
  const Tensor part = dropout_ > 0 ? context.empty(x.shape()) : dx;
  const Tensor all = stacked(context, x);
  const Packed panels = Packed::turned(context, all, kind);
  prepared_memory(context, kind, T, ranks());
}

void LowRanks::backward(const Context& context, const Tensor& dy, const Tensor& x,
                        const Tensor& saved, const Tensor& dx, std::span<Tensor> gradients) const {
  if (empty()) return;
  const PanelKind kind = gradient_kind(context.compute);
  const std::int64_t T = x.size(0);
  const Tensor du = context.empty({T, ranks()});
  bool wants_a = false;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const Part& part = parts_[i];
    const Tensor& b = part.change->b.value;
    const Rows outputs = Rows::of(dy, part.column, b.size(0));
    wants_a = wants_a || gradients[2 * i].defined();
    if (const Tensor& db = gradients[2 * i + 1]; db.defined()) {
      const Tensor u = saved.narrow(1, part.rank, part.R());
      const Tensor rows = prepared_turned(context, kind, outputs);
      multiply(context, Packed::turned(context, u, kind), nullptr, rows.raw(), Rows::of(db), true);
    }
    const Rows mine = Rows::of(du, part.rank, part.R());
    const Tensor rows = prepared(context, kind, outputs);
    multiply(context, Packed::turned(context, b, kind), nullptr, rows.raw(), mine, false);
    const auto factor = static_cast<float>(part.change->scale);
    for (std::int64_t t = 0; t < T; ++t) {
      float* const row = mine.data + t * mine.stride;
      context.kernels.f32.scale(row, factor, row, mine.columns);
    }
  }
  if (wants_a) {
    const Tensor input = seen(context, x);
    const Packed panels = Packed::turned(context, input, kind);
    const Tensor rows = prepared_turned(context, kind, Rows::of(du));
    const Tensor da = context.empty({ranks(), x.size(1)});
    multiply(context, panels, nullptr, rows.raw(), Rows::of(da), false);
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      if (!gradients[2 * i].defined()) continue;
      context.kernels.f32.add(da.data<float>() + parts_[i].rank * x.size(1),
                              gradients[2 * i].data<float>(), gradients[2 * i].elements());
    }
  }
  if (!dx.defined()) return;
  const Tensor part = dropout_ > 0 ? context.empty(x.shape()) : dx;
  const Tensor all = stacked(context, x);
  multiply(context, Packed::turned(context, all, kind), nullptr,
           prepared(context, kind, Rows::of(du)).raw(), Rows::of(part), dropout_ == 0);
  if (dropout_ > 0) drop(context, part, true, dx);
}

}  // namespace pomona::op
