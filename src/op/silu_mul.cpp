// Gated activation of SwiGLU: Shazeer 2020, arXiv:2002.05202, eq. 6.
#include "op/ops.h"

namespace pomona::op {
namespace {

struct SiluMul {
  static constexpr std::string_view kName = "silu_mul";
  static constexpr std::size_t kStrided = 1;

  Shape shape(Inputs in) const {
    const Tensor& x = in[0];
    if (x.shape().rank() != 2 || x.size(1) % 2 != 0) {
      fail(ErrorKind::bad_shape, "silu_mul: x {} is not (T, 2F)", x.shape().text());
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
        math<T>(context).silu_mul(gate, gate + F, x.stride(0), y.data<T>() + begin * F, F,
                                  end - begin, F);
      });
    });
  }

  void backward(const Context& context, const Tensor& dy, const Tensor&, Inputs in, const Saved&,
                Gradients gradients) const {
    const Tensor &x = in[0], &dx = gradients[0];
    const std::int64_t F = dy.size(1);
    with_type(x, [&]<class T>() {
      math<T>(context).silu_mul_back(dy.data<T>(), x.data<T>(), x.data<T>() + F, x.stride(0),
                                     dx.data<T>(), dx.data<T>() + F, 2 * F, x.size(0), F);
    });
  }
};

}  // namespace

Tensor silu_mul(const Context& context, const Tensor& x) { return apply(context, SiluMul{}, {x}); }

std::vector<Sample> samples_silu_mul() {
  const auto run = [](const Context& c, Inputs in) { return silu_mul(c, in[0]); };
  const auto view = [](const Context& c, Inputs in) {
    return silu_mul(c, columns(c, in[0], 2, 6));
  };
  return {{"silu_mul", {sample_tensor({3, 10}, 1)}, run},
          {"silu_mul", {sample_tensor({2, 34}, 2)}, run},
          {"silu_mul", {sample_tensor({3, 9}, 3)}, view}};
}

}  // namespace pomona::op
