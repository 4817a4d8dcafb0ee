#include "nn/recompute.h"

#include <memory>
#include <optional>

#include "op/product.h"

namespace pomona::nn {

Tensor recomputed(const Context& context, const Tensor& x, Part f) {
  if (context.tape == nullptr) return f(context, x);
  const std::optional<Noise> noise =
      context.noise != nullptr ? std::optional(*context.noise) : std::nullopt;
  Tensor y;
  {
    // On a tape of its own, which tells whether anything in there is trained.
    Tape passing;
    Context forward = context;
    forward.tape = &passing;
    y = f(forward, x);
  }
  if (!y.needs_gradient()) return y;
  context.tape->record("recomputed", y, {x}, {},
                       [f = std::move(f), noise](const Context& c, const Tensor& dy, const Tensor&,
                                                 Inputs in, const Saved&, Gradients gradients) {
                         Tape again;
                         std::optional<Noise> same = noise;
                         Context forward = c;
                         forward.tape = &again;
                         forward.noise = same ? &*same : nullptr;
                         Tensor input = in[0].detach();
                         if (gradients[0].defined()) {
                           input.set_variable(std::make_shared<Variable>());
                           input.variable()->gradient = std::make_shared<Tensor>(gradients[0]);
                         }
                         const Tensor result = f(forward, input);
                         again.backward(c, result, dy);
                       });
  return y;
}

}  // namespace pomona::nn
