// Negative log-likelihood of the target per row of logits, and sums for losses.
#include "op/ops.h"

namespace pomona::op {
namespace {

struct CrossEntropy {
  static constexpr std::string_view kName = "cross_entropy";

  Shape shape(Inputs in) const {
    const Tensor &logits = in[0], &targets = in[1];
    if (logits.shape().rank() != 2 || targets.shape() != Shape{logits.size(0)}) {
      fail(ErrorKind::bad_shape, "cross_entropy: logits {}, targets {}", logits.shape().text(),
           targets.shape().text());
    }
    return targets.shape();
  }
  double operations(Inputs in) const { return 3.0 * static_cast<double>(in[0].elements()); }

  void plan_forward(const Context& context, Inputs in, Saved* saved) const {
    if (saved != nullptr) saved->push_back(context.empty(in[1].shape(), in[0].dtype()));
  }

  void forward(const Context& context, const Tensor& y, Inputs in, Saved* saved) const {
    const Tensor &logits = in[0], &targets = in[1];
    const std::int64_t V = logits.size(1);
    const Tensor lse = context.empty(y.shape(), logits.dtype());
    if (saved != nullptr) saved->push_back(lse);
    for (std::int64_t t = 0; t < targets.size(0); ++t) {
      const std::int32_t target = targets.data<std::int32_t>()[t];
      if (target < -1 || target >= V) {
        fail(ErrorKind::bad_argument, "cross_entropy: target {} at row {}, the vocabulary has {}",
             target, t, V);
      }
    }
    with_type(logits, [&]<class T>() {
      parallel_rows(context, logits.size(0), 4 * V, [&](std::int64_t begin, std::int64_t end) {
        math<T>(context).cross_entropy(logits.data<T>() + begin * V,
                                       targets.data<std::int32_t>() + begin, y.data<T>() + begin,
                                       lse.data<T>() + begin, end - begin, V);
      });
    });
  }

  void backward(const Context& context, const Tensor& dy, const Tensor&, Inputs in,
                const Saved& saved, Gradients gradients) const {
    const std::int64_t V = in[0].size(1);
    with_type(dy, [&]<class T>() {
      parallel_rows(context, in[0].size(0), 4 * V, [&](std::int64_t begin, std::int64_t end) {
        math<T>(context).cross_entropy_back(
            dy.data<T>() + begin, in[0].data<T>() + begin * V, in[1].data<std::int32_t>() + begin,
            saved[0].data<T>() + begin, gradients[0].data<T>() + begin * V, end - begin, V);
      });
    });
  }
};

struct ScaledSum {
  static constexpr std::string_view kName = "scaled_sum";
  double factor;

  Shape shape(Inputs) const { return {1}; }
  double operations(Inputs in) const { return static_cast<double>(in[0].elements()); }

  void forward(const Context&, const Tensor& y, Inputs in, Saved*) const {
    with_type(y, [&]<class T>() {
      double sum = 0;
      for (std::int64_t i = 0; i < in[0].elements(); ++i)
        sum += static_cast<double>(in[0].data<T>()[i]);
      *y.data<T>() = static_cast<T>(sum * factor);
    });
  }
  void backward(const Context&, const Tensor& dy, const Tensor&, Inputs in, const Saved&,
                Gradients gradients) const {
    with_type(dy, [&]<class T>() {
      const T each = static_cast<T>(static_cast<double>(*dy.data<T>()) * factor);
      for (std::int64_t i = 0; i < in[0].elements(); ++i) gradients[0].data<T>()[i] += each;
    });
  }
};

}  // namespace

Tensor cross_entropy(const Context& context, const Tensor& logits, const Tensor& targets) {
  return apply(context, CrossEntropy{}, {logits, targets});
}

Tensor scaled_sum(const Context& context, const Tensor& x, double factor) {
  return apply(context, ScaledSum{factor}, {x});
}

std::vector<Sample> samples_cross_entropy() {
  const auto loss = [](const Context& c, Inputs in) {
    const Tensor targets = Tensor::zeros({3}, DType::i32);
    targets.data<std::int32_t>()[1] = 4;
    targets.data<std::int32_t>()[2] = -1;
    return cross_entropy(c, in[0], targets);
  };
  const auto sum = [](const Context& c, Inputs in) { return scaled_sum(c, in[0], 0.25); };
  return {{"cross_entropy", {sample_tensor({3, 5}, 1)}, loss},
          {"scaled_sum", {sample_tensor({4}, 2)}, sum}};
}

}  // namespace pomona::op
