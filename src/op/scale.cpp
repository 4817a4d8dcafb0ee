// A multiple of a tensor.
#include "op/ops.h"
#include "op/product.h"

namespace pomona::op {
namespace {

struct Scale {
  static constexpr std::string_view kName = "scale";
  double factor;

  Shape shape(Inputs in) const { return in[0].shape(); }
  double operations(Inputs in) const { return static_cast<double>(in[0].elements()); }

  void forward(const Context& context, const Tensor& y, Inputs in, Saved*) const {
    with_type(y, [&]<class T>() {
      parallel_rows(context, y.elements(), 1, [&](std::int64_t begin, std::int64_t end) {
        math<T>(context).scale(in[0].data<T>() + begin, static_cast<T>(factor), y.data<T>() + begin,
                               end - begin);
      });
    });
  }

  void backward(const Context& context, const Tensor& dy, const Tensor&, Inputs, const Saved&,
                Gradients gradients) const {
    const Tensor part = context.empty(dy.shape(), dy.dtype());
    with_type(dy, [&]<class T>() {
      math<T>(context).scale(dy.data<T>(), static_cast<T>(factor), part.data<T>(), dy.elements());
      add_to(context, part.data<T>(), gradients[0].data<T>(), dy.elements());
    });
  }
  void plan_backward(const Context& context, Inputs in, Gradients) const {
    context.empty(in[0].shape(), in[0].dtype());
  }
};

}  // namespace

Tensor scale(const Context& context, const Tensor& x, double factor) {
  return apply(context, Scale{factor}, {x});
}

std::vector<Sample> samples_scale() {
  return {{"scale", {sample_tensor({3, 7}, 1)}, [](const Context& c, Inputs in) {
             return scale(c, in[0], -2.5);
           }}};
}

}  // namespace pomona::op
