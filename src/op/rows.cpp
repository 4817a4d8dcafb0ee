// Views and selections: columns of a matrix, and some of its rows.
#include <algorithm>
#include <cstring>

#include "op/ops.h"

namespace pomona::op {
namespace {

template <class T>
void add_rows(const Context& context, const Tensor& from, const Tensor& to) {
  for (std::int64_t t = 0; t < from.size(0); ++t) {
    math<T>(context).add(from.data<T>() + t * from.stride(0), to.data<T>() + t * to.stride(0),
                         from.size(1));
  }
}

struct GatherRows {
  static constexpr std::string_view kName = "gather_rows";
  static constexpr std::size_t kStrided = 1;
  std::vector<std::int32_t> index;

  Shape shape(Inputs in) const {
    if (in[0].shape().rank() != 2)
      fail(ErrorKind::bad_shape, "gather_rows: x {}", in[0].shape().text());
    for (const std::int32_t row : index) {
      if (row < 0 || row >= in[0].size(0)) {
        fail(ErrorKind::bad_shape, "gather_rows: row {} of x {}", row, in[0].shape().text());
      }
    }
    return {static_cast<std::int64_t>(index.size()), in[0].size(1)};
  }
  double operations(Inputs) const { return 0; }

  void forward(const Context&, const Tensor& y, Inputs in, Saved*) const {
    const Tensor& x = in[0];
    const std::int64_t row_bytes = bytes_of(x.dtype(), x.size(1));
    for (std::size_t i = 0; i < index.size(); ++i) {
      std::memcpy(y.raw() + static_cast<std::int64_t>(i) * row_bytes,
                  x.raw() + bytes_of(x.dtype(), index[i] * x.stride(0)),
                  static_cast<std::size_t>(row_bytes));
    }
  }
  void backward(const Context& context, const Tensor& dy, const Tensor&, Inputs, const Saved&,
                Gradients gradients) const {
    with_type(dy, [&]<class T>() {
      for (std::size_t i = 0; i < index.size(); ++i) {
        add_rows<T>(context, dy.narrow(0, static_cast<std::int64_t>(i), 1),
                    gradients[0].narrow(0, index[i], 1));
      }
    });
  }
};

}  // namespace

Tensor columns(const Context& context, const Tensor& x, std::int64_t start, std::int64_t length) {
  Tensor view = x.narrow(1, start, length);
  if (context.tape != nullptr && x.needs_gradient()) {
    context.tape->record("columns", view, {x}, {},
                         [start, length](const Context& c, const Tensor& dy, const Tensor&, Inputs,
                                         const Saved&, Gradients gradients) {
                           const Tensor target = gradients[0].narrow(1, start, length);
                           with_type(dy, [&]<class T>() { add_rows<T>(c, dy, target); });
                         });
  }
  return view;
}

Tensor contiguous(const Context& context, const Tensor& x) {
  if (x.is_contiguous()) return x;
  const Tensor copy = context.empty(x.shape(), x.dtype());
  const std::int64_t row_bytes = bytes_of(x.dtype(), x.size(1));
  for (std::int64_t t = 0; t < x.size(0); ++t) {
    std::memcpy(copy.raw() + t * row_bytes, x.raw() + bytes_of(x.dtype(), t * x.stride(0)),
                static_cast<std::size_t>(row_bytes));
  }
  return copy;
}

Tensor gather_rows(const Context& context, const Tensor& x, std::span<const std::int32_t> index) {
  return apply(context, GatherRows{{index.begin(), index.end()}}, {x});
}

std::vector<Sample> samples_rows() {
  const auto gather = [](const Context& c, Inputs in) {
    const std::int32_t index[] = {2, 0, 2};
    return gather_rows(c, in[0], index);
  };
  const auto gather_from_view = [](const Context& c, Inputs in) {
    const std::int32_t index[] = {1, 0};
    return gather_rows(c, columns(c, in[0], 2, 4), index);
  };
  return {{"gather_rows", {sample_tensor({3, 4}, 1)}, gather},
          {"columns", {sample_tensor({2, 7}, 2)}, gather_from_view}};
}

}  // namespace pomona::op
