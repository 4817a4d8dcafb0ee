// Rotary position embedding: Su et al. 2021, arXiv:2104.09864, eq. 34.
#include <cmath>

#include "op/ops.h"

namespace pomona::op {
namespace {

struct Rope {
  static constexpr std::string_view kName = "rope";
  static constexpr std::size_t kStrided = 1;
  std::int64_t E;

  Shape shape(Inputs in) const {
    const Tensor &x = in[0], &angles = in[1];
    if (x.shape().rank() != 2 || angles.shape().rank() != 2 || angles.size(0) != x.size(0) ||
        angles.size(1) % 2 != 0 || E <= 0 || angles.size(1) > E || x.size(1) % E != 0) {
      fail(ErrorKind::bad_shape, "rope: x {}, heads of {}, angles {}", x.shape().text(), E,
           angles.shape().text());
    }
    return x.shape();
  }
  double operations(Inputs in) const { return 3.0 * static_cast<double>(in[0].elements()); }

  void forward(const Context& context, const Tensor& y, Inputs in, Saved*) const {
    const Tensor &x = in[0], &angles = in[1];
    const std::int64_t R = angles.size(1), heads = x.size(1) / E;
    with_type(x, [&]<class T>() {
      parallel_rows(context, x.size(0), 2 * x.size(1), [&](std::int64_t begin, std::int64_t end) {
        math<T>(context).rope(x.data<T>() + begin * x.stride(0), x.stride(0),
                              angles.data<T>() + begin * R, y.data<T>() + begin * y.stride(0),
                              y.stride(0), end - begin, heads, E, R, +1);
      });
    });
  }

  void backward(const Context& context, const Tensor& dy, const Tensor&, Inputs in, const Saved&,
                Gradients gradients) const {
    const std::int64_t R = in[1].size(1), heads = dy.size(1) / E;
    const std::int64_t D = dy.size(1);
    const Tensor rotated_back = context.empty(dy.shape(), dy.dtype());
    with_type(dy, [&]<class T>() {
      parallel_rows(context, dy.size(0), 2 * D, [&](std::int64_t begin, std::int64_t end) {
        T* const back = rotated_back.data<T>() + begin * D;
        math<T>(context).rope(dy.data<T>() + begin * D, D, in[1].data<T>() + begin * R, back, D,
                              end - begin, heads, E, R, -1);
        math<T>(context).add(back, gradients[0].data<T>() + begin * D, (end - begin) * D);
      });
    });
  }
  void plan_backward(const Context& context, Inputs in, Gradients) const {
    context.empty(in[0].shape(), in[0].dtype());
  }
};

}  // namespace

Tensor rope_angles(const Context& context, std::span<const std::int32_t> positions,
                   std::span<const double> frequencies, double length, DType dtype) {
  const auto half = static_cast<std::int64_t>(frequencies.size());
  const Tensor angles =
      context.empty({static_cast<std::int64_t>(positions.size()), 2 * half}, dtype);
  if (context.planning()) return angles;
  with_type(angles, [&]<class T>() {
    for (std::size_t t = 0; t < positions.size(); ++t) {
      T* row = angles.data<T>() + static_cast<std::int64_t>(t) * 2 * half;
      for (std::int64_t i = 0; i < half; ++i) {
        const double angle = positions[t] * frequencies[static_cast<std::size_t>(i)];
        row[i] = static_cast<T>(length * std::cos(angle));
        row[half + i] = static_cast<T>(length * std::sin(angle));
      }
    }
  });
  return angles;
}

Tensor rope(const Context& context, const Tensor& x, const Tensor& angles, std::int64_t E) {
  const std::int64_t all = angles.shape().rank() == 2 ? angles.size(1) : 0;
  return apply(context, Rope{E > 0 ? E : all}, {x, angles});
}

std::vector<Sample> samples_rope() {
  const auto turned = [](const Context& c, const Tensor& x) {
    const std::int32_t positions[] = {0, 5, 1000};
    const double frequencies[] = {1, 0.01};
    return rope(c, x, rope_angles(c, positions, frequencies, 1, DType::f64));
  };
  const auto partial = [](const Context& c, Inputs in) {
    const std::int32_t positions[] = {3, 70};
    const double frequencies[] = {1, 0.1};
    return rope(c, columns(c, in[0], 1, 12),
                rope_angles(c, positions, frequencies, 1.2, DType::f64), 6);
  };
  const auto whole = [=](const Context& c, Inputs in) { return turned(c, in[0]); };
  const auto view = [=](const Context& c, Inputs in) { return turned(c, columns(c, in[0], 1, 8)); };
  return {{"rope", {sample_tensor({2, 14}, 3)}, partial},
          {"rope", {sample_tensor({3, 8}, 1)}, whole},
          {"rope", {sample_tensor({3, 10}, 2)}, view}};
}

}  // namespace pomona::op
