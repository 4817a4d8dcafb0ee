// The activation between the two products of a plain feed-forward layer: GELU (Hendrycks and Gimpel
// 2016, arXiv:1606.08415), SiLU.
#include "op/ops.h"

namespace pomona::op {
namespace {

struct Activate {
  static constexpr std::string_view kName = "activate";
  static constexpr std::size_t kStrided = 1;
  Activation activation;

  Shape shape(Inputs in) const {
    if (in[0].shape().rank() != 2) {
      fail(ErrorKind::bad_shape, "activate: x {} is not (T, F)", in[0].shape().text());
    }
    return in[0].shape();
  }
  double operations(Inputs in) const { return 8.0 * static_cast<double>(in[0].elements()); }

  void forward(const Context& context, const Tensor& y, Inputs in, Saved*) const {
    const Tensor& x = in[0];
    const std::int64_t F = y.size(1);
    with_type(x, [&]<class T>() {
      parallel_rows(context, x.size(0), 8 * F, [&](std::int64_t begin, std::int64_t end) {
        kernels_of<T>(context, activation)
            .activate(x.data<T>() + begin * x.stride(0), x.stride(0), y.data<T>() + begin * F, F,
                      end - begin, F);
      });
    });
  }

  void backward(const Context& context, const Tensor& dy, const Tensor&, Inputs in, const Saved&,
                Gradients gradients) const {
    const Tensor& x = in[0];
    const std::int64_t F = x.size(1);
    with_type(x, [&]<class T>() {
      parallel_rows(context, x.size(0), 8 * F, [&](std::int64_t begin, std::int64_t end) {
        kernels_of<T>(context, activation)
            .activate_back(dy.data<T>() + begin * F, x.data<T>() + begin * x.stride(0), x.stride(0),
                           gradients[0].data<T>() + begin * F, end - begin, F);
      });
    });
  }
};

}  // namespace

Tensor activate(const Context& context, const Tensor& x, Activation activation) {
  return apply(context, Activate{activation}, {x});
}

std::vector<Sample> samples_activate() {
  std::vector<Sample> samples;
  for (const Activation activation :
       {Activation::silu, Activation::gelu_tanh, Activation::gelu_erf}) {
    const auto view = [=](const Context& c, Inputs in) {
      return activate(c, columns(c, in[0], 1, 19), activation);
    };
    samples.push_back({"activate", {sample_tensor({3, 21}, 1)}, view});
  }
  return samples;
}

}  // namespace pomona::op
