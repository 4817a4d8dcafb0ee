// Element-wise sum.
#include <cstring>

#include "op/ops.h"
#include "op/product.h"

namespace pomona::op {
namespace {

struct Add {
  static constexpr std::string_view kName = "add";

  Shape shape(Inputs in) const {
    if (in[0].shape() != in[1].shape()) {
      fail(ErrorKind::bad_shape, "add: a {}, b {}", in[0].shape().text(), in[1].shape().text());
    }
    return in[0].shape();
  }
  double operations(Inputs in) const { return static_cast<double>(in[0].elements()); }

  void forward(const Context& context, const Tensor& y, Inputs in, Saved*) const {
    std::memcpy(y.raw(), in[0].raw(), static_cast<std::size_t>(y.bytes()));
    with_type(y,
              [&]<class T>() { math<T>(context).add(in[1].data<T>(), y.data<T>(), y.elements()); });
  }

  void backward(const Context& context, const Tensor& dy, const Tensor&, Inputs, const Saved&,
                Gradients gradients) const {
    with_type(dy, [&]<class T>() {
      for (const Tensor& gradient : gradients) {
        if (gradient.defined()) add_to(context, dy.data<T>(), gradient.data<T>(), dy.elements());
      }
    });
  }
};

}  // namespace

Tensor add(const Context& context, const Tensor& a, const Tensor& b) {
  return apply(context, Add{}, {a, b});
}

std::vector<Sample> samples_add() {
  return {{"add",
           {sample_tensor({3, 5}, 1), sample_tensor({3, 5}, 2)},
           [](const Context& c, Inputs in) { return add(c, in[0], in[1]); }}};
}

}  // namespace pomona::op
