// RMSNorm: Zhang and Sennrich 2019, arXiv:1910.07467, eq. 4.
#include "op/ops.h"

namespace pomona::op {
namespace {

struct RmsNorm {
  static constexpr std::string_view kName = "rms_norm";
  double eps;

  Shape shape(Inputs in) const {
    const Tensor &x = in[0], &weight = in[1];
    if (x.shape().rank() != 2 || weight.shape() != Shape{x.size(1)}) {
      fail(ErrorKind::bad_shape, "rms_norm: x {}, weight {}", x.shape().text(),
           weight.shape().text());
    }
    return x.shape();
  }
  double operations(Inputs in) const { return 4.0 * static_cast<double>(in[0].elements()); }

  void forward(const Context& context, const Tensor& y, Inputs in, Saved* saved) const {
    const Tensor &x = in[0], &weight = in[1];
    const std::int64_t D = x.size(1);
    Tensor rstd;
    if (saved != nullptr) saved->push_back(rstd = context.empty({x.size(0)}, x.dtype()));
    with_type(x, [&]<class T>() {
      parallel_rows(context, x.size(0), 2 * D, [&](std::int64_t begin, std::int64_t end) {
        T* kept = rstd.defined() ? rstd.data<T>() + begin : nullptr;
        math<T>(context).rms_norm(x.data<T>() + begin * D, weight.data<T>(),
                                  y.data<T>() + begin * D, kept, end - begin, D, eps);
      });
    });
  }

  void backward(const Context& context, const Tensor& dy, const Tensor&, Inputs in,
                const Saved& saved, Gradients gradients) const {
    const Tensor &x = in[0], &weight = in[1];
    with_type(x, [&]<class T>() {
      math<T>(context).rms_norm_back(dy.data<T>(), x.data<T>(), weight.data<T>(),
                                     saved[0].data<T>(), data_or_null<T>(gradients[0]),
                                     data_or_null<T>(gradients[1]), x.size(0), x.size(1));
    });
  }
};

}  // namespace

Tensor rms_norm(const Context& context, const Tensor& x, const Tensor& weight, double eps) {
  return apply(context, RmsNorm{eps}, {x, weight});
}

std::vector<Sample> samples_rms_norm() {
  const auto run = [](const Context& c, Inputs in) { return rms_norm(c, in[0], in[1], 1e-5); };
  return {{"rms_norm", {sample_tensor({3, 7}, 1), sample_tensor({7}, 2)}, run},
          {"rms_norm", {sample_tensor({1, 16}, 3), sample_tensor({16}, 4)}, run}};
}

}  // namespace pomona::op
