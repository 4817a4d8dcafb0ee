// RMSNorm: Zhang and Sennrich 2019, arXiv:1910.07467, eq. 4.
#include "op/ops.h"
#include "op/row_sums.h"

namespace pomona::op {
namespace {

struct RmsNorm {
  static constexpr std::string_view kName = "rms_norm";
  static constexpr std::size_t kStrided = 1;
  double eps;

  Shape shape(Inputs in) const {
    const Tensor &x = in[0], &weight = in[1];
    if (x.shape().rank() != 2 || weight.shape().rank() != 1 || weight.size(0) == 0 ||
        x.size(1) % weight.size(0) != 0) {
      fail(ErrorKind::bad_shape, "rms_norm: x {}, weight {}", x.shape().text(),
           weight.shape().text());
    }
    return x.shape();
  }
  double operations(Inputs in) const { return 4.0 * static_cast<double>(in[0].elements()); }

  /// Calls f(first row, its part of a tensor (T, heads), kernel's rows) for pieces of x's rows
  /// [begin, end) that lie without gaps.
  template <class F>
  static void each_run(const Tensor& x, std::int64_t heads, std::int64_t begin, std::int64_t end,
                       F&& f) {
    const std::int64_t run = x.is_contiguous() ? end - begin : 1;
    for (std::int64_t t = begin; t < end; t += run) f(t, t * heads, run * heads);
  }

  void plan_forward(const Context& context, Inputs in, Saved* saved) const {
    const Tensor& x = in[0];
    if (saved != nullptr)
      saved->push_back(context.empty({x.elements() / in[1].size(0)}, x.dtype()));
  }

  void forward(const Context& context, const Tensor& y, Inputs in, Saved* saved) const {
    const Tensor &x = in[0], &weight = in[1];
    const std::int64_t D = x.size(1), E = weight.size(0), heads = D / E;
    Tensor rstd;
    if (saved != nullptr) saved->push_back(rstd = context.empty({x.size(0) * heads}, x.dtype()));
    with_type(x, [&]<class T>() {
      parallel_rows(context, x.size(0), 2 * D, [&](std::int64_t begin, std::int64_t end) {
        each_run(x, heads, begin, end, [&](std::int64_t t, std::int64_t at, std::int64_t rows) {
          math<T>(context).rms_norm(x.data<T>() + t * x.stride(0), weight.data<T>(),
                                    y.data<T>() + t * D,
                                    rstd.defined() ? rstd.data<T>() + at : nullptr, rows, E, eps);
        });
      });
    });
  }

  void backward(const Context& context, const Tensor& dy, const Tensor&, Inputs in,
                const Saved& saved, Gradients gradients) const {
    const Tensor &x = in[0], &weight = in[1], &dx = gradients[0];
    const std::int64_t D = x.size(1), E = weight.size(0), heads = D / E;
    with_type(x, [&]<class T>() {
      sum_rows<T>(
          context, x.size(0), {gradients[1]}, [&](std::int64_t begin, std::int64_t end, T* dw) {
            each_run(x, heads, begin, end, [&](std::int64_t t, std::int64_t at, std::int64_t rows) {
              math<T>(context).rms_norm_back(dy.data<T>() + t * D, x.data<T>() + t * x.stride(0),
                                             weight.data<T>(), saved[0].data<T>() + at,
                                             dx.defined() ? dx.data<T>() + t * D : nullptr, dw,
                                             rows, E);
            });
          });
    });
  }
  void plan_backward(const Context& context, Inputs in, Gradients gradients) const {
    plan_sum_rows(context, in[0].size(0), {gradients[1]});
  }
};

}  // namespace

Tensor rms_norm(const Context& context, const Tensor& x, const Tensor& weight, double eps) {
  return apply(context, RmsNorm{eps}, {x, weight});
}

std::vector<Sample> samples_rms_norm() {
  const auto run = [](const Context& c, Inputs in) { return rms_norm(c, in[0], in[1], 1e-5); };
  const auto heads = [](const Context& c, Inputs in) {
    return rms_norm(c, columns(c, in[0], 2, 6), in[1], 1e-5);
  };
  return {{"rms_norm", {sample_tensor({3, 9}, 5), sample_tensor({3}, 6)}, heads},
          {"rms_norm", {sample_tensor({3, 7}, 1), sample_tensor({7}, 2)}, run},
          {"rms_norm", {sample_tensor({1, 16}, 3), sample_tensor({16}, 4)}, run}};
}

}  // namespace pomona::op
