// The gated activation of feed-forward layers: Shazeer 2020, arXiv:2002.05202, eq. 5 and 6.
#include "op/ops.h"

namespace pomona::op {
namespace {

struct Gated {
  static constexpr std::string_view kName = "gated";
  static constexpr std::size_t kStrided = 1;
  Activation activation;

  Shape shape(Inputs in) const {
    const Tensor& x = in[0];
    if (x.shape().rank() != 2 || x.size(1) % 2 != 0) {
      fail(ErrorKind::bad_shape, "gated: x {} is not (T, 2F)", x.shape().text());
    }
    return {x.size(0), x.size(1) / 2};
  }
  double operations(Inputs in) const { return 4.0 * static_cast<double>(in[0].elements()); }

  void forward(const Context& context, const Tensor& y, Inputs in, Saved*) const {
    const Tensor& x = in[0];
    const std::int64_t F = y.size(1);
    with_type(x, [&]<class T>() {
      parallel_rows(context, x.size(0), 8 * F, [&](std::int64_t begin, std::int64_t end) {
        const T* gate = x.data<T>() + begin * x.stride(0);
        kernels_of<T>(context, activation)
            .gated(gate, gate + F, x.stride(0), y.data<T>() + begin * F, F, end - begin, F);
      });
    });
  }

  void backward(const Context& context, const Tensor& dy, const Tensor&, Inputs in, const Saved&,
                Gradients gradients) const {
    const Tensor &x = in[0], &dx = gradients[0];
    const std::int64_t F = dy.size(1);
    with_type(x, [&]<class T>() {
      parallel_rows(context, x.size(0), 8 * F, [&](std::int64_t begin, std::int64_t end) {
        const T* const gate = x.data<T>() + begin * x.stride(0);
        T* const dgate = dx.data<T>() + begin * 2 * F;
        kernels_of<T>(context, activation)
            .gated_back(dy.data<T>() + begin * F, gate, gate + F, x.stride(0), dgate, dgate + F,
                        2 * F, end - begin, F);
      });
    });
  }
};

}  // namespace

Tensor gated(const Context& context, const Tensor& x, Activation activation) {
  return apply(context, Gated{activation}, {x});
}

std::vector<Sample> samples_gated() {
  std::vector<Sample> samples;
  for (const Activation activation :
       {Activation::silu, Activation::gelu_tanh, Activation::gelu_erf}) {
    const auto run = [=](const Context& c, Inputs in) { return gated(c, in[0], activation); };
    const auto view = [=](const Context& c, Inputs in) {
      return gated(c, columns(c, in[0], 2, 6), activation);
    };
    samples.push_back({"gated", {sample_tensor({3, 10}, 1)}, run});
    samples.push_back({"gated", {sample_tensor({2, 34}, 2)}, run});
    samples.push_back({"gated", {sample_tensor({3, 9}, 3)}, view});
  }
  return samples;
}

}  // namespace pomona::op
