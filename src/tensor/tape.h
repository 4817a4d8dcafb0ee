// Reverse-mode differentiation by an eager tape: nodes are recorded in the order of creation and
// walked back. A gradient that nobody needs is neither computed nor stored. First order only.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "tensor/context.h"
#include "tensor/tensor.h"

namespace pomona {

using Inputs = std::span<const Tensor>;
/// What forward keeps for backward beside inputs and output.
using Saved = std::vector<Tensor>;
/// One tensor per input to add its gradient to; undefined where none is needed.
using Gradients = std::span<Tensor>;

class Tape {
 public:
  using Backward = std::function<void(const Context&, const Tensor& dy, const Tensor& y, Inputs,
                                      const Saved&, Gradients)>;

  /// Adds a node; gives `y` its place in differentiation.
  void record(std::string_view op, Tensor& y, std::vector<Tensor> inputs, Saved saved,
              Backward backward);

  /// Gradients of every leaf with respect to `loss`, a single value, added to what the leaves
  /// already hold. The tape is empty afterwards.
  void backward(const Context& context, const Tensor& loss);

  /// The same for a result in the midst, whose own gradient is dy (the shape of y).
  void backward(const Context& context, const Tensor& y, const Tensor& dy);

  std::size_t nodes() const { return nodes_.size(); }

 private:
  void walk_back(const Context& context);

  struct Node {
    std::string_view op;
    Tensor y;
    std::vector<Tensor> inputs;
    Saved saved;
    Backward backward;
  };
  std::vector<Node> nodes_;
};

/// Throws bad_shape unless the first `strided` inputs have contiguous rows and the others no gaps
/// at all.
void check_layout(std::string_view op, Inputs inputs, std::size_t strided);

/// Runs an op: shape, memory, forward, and a node on the tape where an input needs a gradient. An
/// op is a struct with
///   static constexpr std::string_view kName;
///   static constexpr std::size_t kStrided;
///     how many of the first inputs may be views whose rows lie apart; left out: none
///   Shape shape(Inputs) const;
///     throws bad_shape
///   double operations(Inputs) const;
///     additions and multiplications of forward
///   void plan_forward(const Context&, Inputs, Saved*) const;
///     while planning: allocates what forward does beside y, saves as it does; left out: nothing
///   void plan_backward(const Context&, Inputs, Gradients) const;
///     the same for backward
///   void forward(const Context&, const Tensor& y, Inputs, Saved*) const;
///     saves only if Saved is not null
///   void backward(const Context&, const Tensor& dy, const Tensor& y, Inputs, const Saved&,
///                 Gradients) const;
///     adds to the gradients that are defined, which have no gaps
template <class Op>
Tensor apply(const Context& context, const Op& op, std::initializer_list<Tensor> inputs) {
  return apply(context, op, std::vector<Tensor>(inputs));
}

template <class Op>
Tensor apply(const Context& context, const Op& op, std::vector<Tensor> inputs) {
  const bool wide = inputs.front().dtype() == DType::f64;
  Tensor y = context.empty(op.shape(inputs), wide ? DType::f64 : DType::f32);
  if constexpr (requires { Op::kStrided; }) {
    check_layout(Op::kName, inputs, Op::kStrided);
  } else {
    check_layout(Op::kName, inputs, 0);
  }
  if (context.planning()) {
    context.plan->operations += op.operations(inputs);
  }
  bool recording = false;
  if (context.tape != nullptr) {
    for (const Tensor& input : inputs) recording = recording || input.needs_gradient();
  }
  Saved saved;
  Saved* const keep = recording ? &saved : nullptr;
  if (!context.planning()) {
    op.forward(context, y, inputs, keep);
  } else if constexpr (requires { op.plan_forward(context, inputs, keep); }) {
    op.plan_forward(context, inputs, keep);
  }
  if (recording) {
    context.tape->record(Op::kName, y, std::move(inputs), std::move(saved),
                         [op](const Context& c, const Tensor& dy, const Tensor& out, Inputs in,
                              const Saved& kept, Gradients gradients) {
                           if (!c.planning()) {
                             op.backward(c, dy, out, in, kept, gradients);
                           } else if constexpr (requires { op.plan_backward(c, in, gradients); }) {
                             op.plan_backward(c, in, gradients);
                           }
                         });
  }
  return y;
}

/// An op's part of the generic gradient check: f64 inputs and the function of those that want a
/// gradient.
struct Sample {
  std::string_view op;
  std::vector<Tensor> inputs;
  std::function<Tensor(const Context&, Inputs)> run;
};

}  // namespace pomona
