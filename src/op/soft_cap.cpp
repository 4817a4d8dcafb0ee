// Soft cap of logits: cap * tanh(x / cap) (Gemma Team 2024, arXiv:2408.00118, section 2).
#include "op/ops.h"

namespace pomona::op {
namespace {

struct SoftCap {
  static constexpr std::string_view kName = "soft_cap";
  double cap;

  Shape shape(Inputs in) const {
    if (!(cap > 0)) fail(ErrorKind::bad_argument, "soft_cap: a cap of {}, expected above 0", cap);
    return in[0].shape();
  }
  double operations(Inputs in) const { return 10.0 * static_cast<double>(in[0].elements()); }

  void forward(const Context& context, const Tensor& y, Inputs in, Saved*) const {
    with_type(y, [&]<class T>() {
      // The elements in pieces: one row of logits alone is long.
      parallel_rows(context, y.elements(), 8, [&](std::int64_t begin, std::int64_t end) {
        math<T>(context).soft_cap(in[0].data<T>() + begin, static_cast<T>(cap), y.data<T>() + begin,
                                  end - begin);
      });
    });
  }

  void backward(const Context& context, const Tensor& dy, const Tensor& y, Inputs, const Saved&,
                Gradients gradients) const {
    with_type(dy, [&]<class T>() {
      parallel_rows(context, y.elements(), 8, [&](std::int64_t begin, std::int64_t end) {
        math<T>(context).soft_cap_back(dy.data<T>() + begin, y.data<T>() + begin,
                                       static_cast<T>(cap), gradients[0].data<T>() + begin,
                                       end - begin);
      });
    });
  }
};

}  // namespace

Tensor soft_cap(const Context& context, const Tensor& x, double cap) {
  return apply(context, SoftCap{cap}, {x});
}

std::vector<Sample> samples_soft_cap() {
  return {{"soft_cap", {sample_tensor({3, 7}, 1)}, [](const Context& c, Inputs in) {
             return soft_cap(c, in[0], 0.8);
           }}};
}

}  // namespace pomona::op
