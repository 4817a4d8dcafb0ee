// Views and selections: columns of a matrix, and some of its rows.
#include <algorithm>
#include <cstring>

#include "op/ops.h"

namespace pomona::op {
namespace {

template <class T>
void add_rows(const Context& context, const Tensor& from, const Tensor& to) {
  parallel_rows(context, from.size(0), from.size(1), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      math<T>(context).add(from.data<T>() + t * from.stride(0), to.data<T>() + t * to.stride(0),
                           from.size(1));
    }
  });
}

void copy_row(const Tensor& from, std::int64_t row, const Tensor& to, std::int64_t place) {
  std::memcpy(to.raw() + bytes_of(to.dtype(), place * to.stride(0)),
              from.raw() + bytes_of(from.dtype(), row * from.stride(0)),
              static_cast<std::size_t>(bytes_of(to.dtype(), to.size(1))));
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
    for (std::size_t i = 0; i < index.size(); ++i)
      copy_row(x, index[i], y, static_cast<std::int64_t>(i));
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

struct ReplaceRows {
  static constexpr std::string_view kName = "replace_rows";
  static constexpr std::size_t kStrided = 1;
  std::vector<std::int32_t> to, from;

  Shape shape(Inputs in) const {
    const Tensor &x = in[0], &table = in[1];
    bool fits = x.shape().rank() == 2 && table.shape().rank() == 2 && table.size(1) == x.size(1) &&
                to.size() == from.size();
    for (std::size_t i = 0; fits && i < to.size(); ++i)
      fits = to[i] >= 0 && to[i] < x.size(0) && from[i] >= 0 && from[i] < table.size(0);
    if (!fits) {
      fail(ErrorKind::bad_shape, "replace_rows: x {}, table {}, {} rows", x.shape().text(),
           table.shape().text(), to.size());
    }
    return x.shape();
  }
  double operations(Inputs) const { return 0; }

  void forward(const Context& context, const Tensor& y, Inputs in, Saved*) const {
    parallel_rows(context, y.size(0), y.size(1), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t t = begin; t < end; ++t) copy_row(in[0], t, y, t);
    });
    for (std::size_t i = 0; i < to.size(); ++i) copy_row(in[1], from[i], y, to[i]);
  }
  void backward(const Context& context, const Tensor& dy, const Tensor&, Inputs, const Saved&,
                Gradients gradients) const {
    with_type(dy, [&]<class T>() {
      const std::int64_t D = dy.size(1);
      std::size_t next = 0;  // of the replaced rows, by place
      std::vector<std::int32_t> places = to;
      std::sort(places.begin(), places.end());
      for (std::int64_t t = 0; gradients[0].defined() && t < dy.size(0); ++t) {
        if (next < places.size() && places[next] == t) {
          ++next;
        } else {
          math<T>(context).add(dy.data<T>() + t * D, gradients[0].data<T>() + t * D, D);
        }
      }
      for (std::size_t i = 0; gradients[1].defined() && i < to.size(); ++i)
        math<T>(context).add(dy.data<T>() + to[i] * D, gradients[1].data<T>() + from[i] * D, D);
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
                           if (c.planning()) return;
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

Tensor replace_rows(const Context& context, const Tensor& x, const Tensor& table,
                    std::span<const std::int32_t> to, std::span<const std::int32_t> from) {
  return apply(context, ReplaceRows{{to.begin(), to.end()}, {from.begin(), from.end()}},
               {x, table});
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
  const auto replace = [](const Context& c, Inputs in) {
    const std::int32_t to[] = {3, 0}, from[] = {1, 1};
    return replace_rows(c, columns(c, in[0], 1, 4), in[1], to, from);
  };
  return {{"replace_rows", {sample_tensor({4, 6}, 3), sample_tensor({2, 4}, 4)}, replace},
          {"gather_rows", {sample_tensor({3, 4}, 1)}, gather},
          {"columns", {sample_tensor({2, 7}, 2)}, gather_from_view}};
}

}  // namespace pomona::op
