// LayerNorm: Ba et al. 2016, arXiv:1607.06450, eq. 4, over the values of a row.
#include "op/ops.h"
#include "op/row_sums.h"

namespace pomona::op {
namespace {

struct LayerNorm {
  static constexpr std::string_view kName = "layer_norm";
  double eps;

  Shape shape(Inputs in) const {
    const Tensor &x = in[0], &weight = in[1], &bias = in.back();
    if (x.shape().rank() != 2 || weight.shape() != Shape{x.size(1)} ||
        bias.shape() != weight.shape()) {
      fail(ErrorKind::bad_shape, "layer_norm: x {}, weight {}, bias {}", x.shape().text(),
           weight.shape().text(), in.size() > 2 ? bias.shape().text() : "none");
    }
    return x.shape();
  }
  double operations(Inputs in) const { return 7.0 * static_cast<double>(in[0].elements()); }

  void plan_forward(const Context& context, Inputs in, Saved* saved) const {
    for (int i = 0; saved != nullptr && i < 2; ++i)
      saved->push_back(context.empty({in[0].size(0)}, in[0].dtype()));
  }

  void forward(const Context& context, const Tensor& y, Inputs in, Saved* saved) const {
    const Tensor &x = in[0], &weight = in[1];
    const std::int64_t D = x.size(1);
    Tensor mean, rstd;
    if (saved != nullptr) {
      saved->push_back(mean = context.empty({x.size(0)}, x.dtype()));
      saved->push_back(rstd = context.empty({x.size(0)}, x.dtype()));
    }
    with_type(x, [&]<class T>() {
      const T* const bias = in.size() > 2 ? in[2].data<T>() : nullptr;
      parallel_rows(context, x.size(0), 3 * D, [&](std::int64_t begin, std::int64_t end) {
        const auto kept = [&](const Tensor& t) {
          return t.defined() ? t.data<T>() + begin : nullptr;
        };
        math<T>(context).layer_norm(x.data<T>() + begin * D, weight.data<T>(), bias,
                                    y.data<T>() + begin * D, kept(mean), kept(rstd), end - begin, D,
                                    eps);
      });
    });
  }

  void backward(const Context& context, const Tensor& dy, const Tensor&, Inputs in,
                const Saved& saved, Gradients gradients) const {
    const Tensor &x = in[0], &weight = in[1], &dx = gradients[0];
    const std::int64_t D = x.size(1);
    const Tensor dbias = gradients.size() > 2 ? gradients[2] : Tensor();
    with_type(x, [&]<class T>() {
      sum_rows<T>(context, x.size(0), {gradients[1], dbias},
                  [&](std::int64_t begin, std::int64_t end, T* sums) {
                    T* const dweight = gradients[1].defined() ? sums : nullptr;
                    T* const to_bias =
                        dbias.defined() ? sums + (gradients[1].defined() ? D : 0) : nullptr;
                    math<T>(context).layer_norm_back(
                        dy.data<T>() + begin * D, x.data<T>() + begin * D, weight.data<T>(),
                        saved[0].data<T>() + begin, saved[1].data<T>() + begin,
                        dx.defined() ? dx.data<T>() + begin * D : nullptr, dweight, to_bias,
                        end - begin, D);
                  });
    });
  }
  void plan_backward(const Context& context, Inputs in, Gradients gradients) const {
    plan_sum_rows(context, in[0].size(0),
                  {gradients[1], gradients.size() > 2 ? gradients[2] : Tensor()});
  }
};

}  // namespace

Tensor layer_norm(const Context& context, const Tensor& x, const Tensor& weight, const Tensor& bias,
                  double eps) {
  std::vector<Tensor> inputs = {x, weight};
  if (bias.defined()) inputs.push_back(bias);
  return apply(context, LayerNorm{eps}, std::move(inputs));
}

std::vector<Sample> samples_layer_norm() {
  const auto biased = [](const Context& c, Inputs in) {
    return layer_norm(c, in[0], in[1], in[2], 1e-5);
  };
  const auto plain = [](const Context& c, Inputs in) {
    return layer_norm(c, in[0], in[1], Tensor(), 1e-5);
  };
  return {{"layer_norm", {sample_tensor({3, 7}, 1), sample_tensor({7}, 2)}, plain},
          {"layer_norm",
           {sample_tensor({2, 16}, 3), sample_tensor({16}, 4), sample_tensor({16}, 5)},
           biased}};
}

}  // namespace pomona::op
