#include "tensor/tape.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace pomona {
namespace {

void clear(const Context& context, const Tensor& tensor) {
  const std::int64_t width = tensor.size(-1),
                     rows = tensor.elements() / std::max<std::int64_t>(1, width);
  const std::int64_t row_bytes = bytes_of(tensor.dtype(), width);
  parallel_rows(context, rows, width, [&](std::int64_t begin, std::int64_t end) {
    std::memset(tensor.raw() + begin * row_bytes, 0,
                static_cast<std::size_t>((end - begin) * row_bytes));
  });
}

/// The gradient tensor of `tensor`, zeroed when first asked for.
Tensor gradient_target(const Context& context, const Tensor& tensor) {
  Variable& variable = *tensor.variable();
  if (!variable.gradient) {
    const DType dtype = tensor.dtype() == DType::f64 ? DType::f64 : DType::f32;
    if (variable.leaf && !context.planning()) {
      variable.gradient = std::make_shared<Tensor>(Tensor::zeros(tensor.shape(), dtype));
    } else {
      variable.gradient = std::make_shared<Tensor>(context.empty(tensor.shape(), dtype));
      if (!context.planning()) clear(context, *variable.gradient);
    }
  }
  return *variable.gradient;
}

}  // namespace

void check_layout(std::string_view op, Inputs inputs, std::size_t strided) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Tensor& input = inputs[i];
    if (input.is_contiguous()) continue;
    if (i < strided && (input.stride(-1) == 1 || input.size(-1) == 1)) continue;
    fail(ErrorKind::bad_shape, "{}: input {}, {}, is a view with gaps, which this op does not take",
         op, i, input.shape().text());
  }
}

void Tape::record(std::string_view op, Tensor& y, std::vector<Tensor> inputs, Saved saved,
                  Backward backward) {
  y.set_variable(std::make_shared<Variable>());
  nodes_.push_back({op, y, std::move(inputs), std::move(saved), std::move(backward)});
}

void Tape::backward(const Context& context, const Tensor& loss) {
  if (loss.elements() != 1)
    fail(ErrorKind::bad_shape, "backward: the loss {} is not a single value", loss.shape().text());
  if (!loss.needs_gradient())
    fail(ErrorKind::bad_argument, "backward: the loss depends on nothing that needs a gradient");
  const Tensor seed = gradient_target(context, loss);
  if (context.planning()) return walk_back(context);
  if (seed.dtype() == DType::f64) {
    *seed.data<double>() = 1;
  } else {
    *seed.data<float>() = 1;
  }
  walk_back(context);
}

void Tape::backward(const Context& context, const Tensor& y, const Tensor& dy) {
  if (dy.shape() != y.shape())
    fail(ErrorKind::bad_shape, "backward: y {}, dy {}", y.shape().text(), dy.shape().text());
  if (!y.needs_gradient())
    fail(ErrorKind::bad_argument, "backward: the result depends on nothing that needs a gradient");
  y.variable()->gradient = std::make_shared<Tensor>(dy.detach());
  walk_back(context);
}

void Tape::walk_back(const Context& context) {
  Context silent = context;
  silent.tape = nullptr;
  while (!nodes_.empty()) {
    const Node node = std::move(nodes_.back());
    nodes_.pop_back();
    const auto& gradient = node.y.variable()->gradient;
    if (!gradient) continue;
    std::vector<Tensor> targets(node.inputs.size());
    for (std::size_t i = 0; i < targets.size(); ++i) {
      if (node.inputs[i].needs_gradient()) targets[i] = gradient_target(silent, node.inputs[i]);
    }
    node.backward(silent, *gradient, node.y, node.inputs, node.saved, targets);
    node.y.variable()->gradient.reset();
  }
}

}  // namespace pomona
