// Linear maps: y = x W^T for one or several weights that share x, and with a residual. The input is
// prepared once; products run on packed panels, cut into chunks of whole panels and fixed row
// counts.
#include <algorithm>
#include <cstring>
#include <optional>

#include "op/ops.h"

namespace pomona::op {
namespace {

using kernel::kPanelWidth;
using kernel::PanelKind;

/// Rows in one chunk of a product: a fixed number, so results and cuts do not depend on threads.
constexpr std::int64_t kRowBlock = 128;

void prepare(const Context& context, PanelKind kind, const Tensor& x, std::byte* rows) {
  const std::int64_t K = x.size(1);
  const std::int64_t row_bytes = kernel::prepared_row_bytes(kind, K);
  parallel_rows(context, x.size(0), 2 * K, [&](std::int64_t begin, std::int64_t end) {
    context.kernels.prepare_rows(kind, x.data<float>() + begin * x.stride(0), x.stride(0),
                                 rows + begin * row_bytes, end - begin, K);
  });
}

/// Panels that one chunk takes: enough work for a hand-over, few enough for every core to get some.
std::int64_t panels_per_chunk(std::int64_t panels, std::int64_t T, std::int64_t K) {
  constexpr std::int64_t kWorkPerChunk = 1 << 19;
  const std::int64_t by_work =
      kWorkPerChunk / std::max<std::int64_t>(1, std::min(T, kRowBlock) * K * kPanelWidth / 16);
  return std::clamp<std::int64_t>(by_work, 1, std::max<std::int64_t>(1, (panels + 7) / 8));
}

void multiply(const Context& context, const Packed& weight, const std::byte* rows, float* y,
              std::int64_t y_stride, std::int64_t T, bool accumulate) {
  const kernel::PanelLayout& layout = weight.layout();
  const std::int64_t row_bytes = kernel::prepared_row_bytes(layout.kind, layout.K);
  const std::int64_t step = panels_per_chunk(layout.panels(), T, layout.K);
  const std::int64_t column_chunks = (layout.panels() + step - 1) / step;
  const std::int64_t row_chunks = (T + kRowBlock - 1) / kRowBlock;
  context.pool.parallel_for(column_chunks * row_chunks, [&](std::int64_t chunk) {
    const std::int64_t first_row = chunk % row_chunks * kRowBlock;
    const std::int64_t first_panel = chunk / row_chunks * step;
    const std::int64_t columns =
        std::min(layout.N, (first_panel + step) * kPanelWidth) - first_panel * kPanelWidth;
    kernel::GemmCall call;
    call.rows = rows + first_row * row_bytes;
    call.panels = weight.panel(first_panel);
    call.y = y + first_row * y_stride + first_panel * kPanelWidth;
    call.y_stride = y_stride;
    call.T = std::min(kRowBlock, T - first_row);
    call.N = columns;
    call.K = layout.K;
    call.accumulate = accumulate;
    context.kernels.gemm[static_cast<std::size_t>(layout.kind)](call);
  });
}

/// Calls f(weight, kind, rows) for each weight with x prepared for its kind; `prepare_rows` fills
/// the rows when the kind changes.
template <class Prepare, class F>
void each_prepared(const Context& context, Inputs in, std::span<const Parameter* const> weights,
                   Prepare&& prepare_rows, F&& f) {
  const Tensor& x = in[0];
  Tensor rows;
  std::optional<PanelKind> prepared;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const PanelKind kind = panel_kind(in[i + 1].dtype(), context.compute);
    if (kind != prepared) {
      rows = Tensor();
      rows = context.empty({x.size(0), kernel::prepared_row_bytes(kind, x.size(1)) / 4});
      prepare_rows(kind, rows);
      prepared = kind;
    }
    f(*weights[i], rows);
  }
}

/// Products of f32 rows with packed weights, side by side in y.
void multiply_all(const Context& context, Inputs in, std::span<const Parameter* const> weights,
                  const Tensor& y, bool accumulate) {
  std::int64_t column = 0;
  each_prepared(
      context, in, weights,
      [&](PanelKind kind, const Tensor& rows) { prepare(context, kind, in[0], rows.raw()); },
      [&](const Parameter& weight, const Tensor& rows) {
        const Packed& packed = weight.packed(context);
        multiply(context, packed, rows.raw(), y.data<float>() + column, y.stride(0), in[0].size(0),
                 accumulate);
        column += packed.layout().N;
      });
}

/// The weight's values as T, row-major: itself if it is stored so, else decoded.
template <class T>
Tensor decoded(const Tensor& weight) {
  if (weight.dtype() == dtype_of<T>()) return weight;
  const Tensor values = Tensor::zeros(weight.shape(), DType::f32);
  info(weight.dtype()).unpack(weight.raw(), values.data<float>(), weight.elements());
  return values;
}

struct Linear {
  static constexpr std::string_view kName = "linear";
  static constexpr std::size_t kStrided = 1;
  std::vector<const Parameter*> weights;
  bool has_residual = false;  // in[0] is x, in[1..] the weights, then the residual

  Shape shape(Inputs in) const {
    std::int64_t N = 0;
    for (std::size_t i = 1; i <= weights.size(); ++i) {
      if (in[0].shape().rank() != 2 || in[i].shape().rank() != 2 ||
          in[i].size(1) != in[0].size(1)) {
        fail(ErrorKind::bad_shape, "linear: x {}, weight {}", in[0].shape().text(),
             in[i].shape().text());
      }
      N += in[i].size(0);
    }
    const Shape y = {in[0].size(0), N};
    if (has_residual && in.back().shape() != y) {
      fail(ErrorKind::bad_shape, "linear: residual {}, product {}", in.back().shape().text(),
           y.text());
    }
    return y;
  }
  double operations(Inputs in) const {
    return 2.0 * static_cast<double>(in[0].elements()) * static_cast<double>(shape(in)[1]);
  }

  void forward(const Context& context, const Tensor& y, Inputs in, Saved*) const {
    const Tensor& x = in[0];
    if (has_residual && y.raw() != in.back().raw()) {
      std::memcpy(y.raw(), in.back().raw(), static_cast<std::size_t>(y.bytes()));
    }
    if (x.dtype() == DType::f32) return multiply_all(context, in, weights, y, has_residual);
    std::int64_t column = 0;
    for (std::size_t i = 1; i <= weights.size(); ++i) {
      const std::int64_t N = in[i].size(0);
      for (std::int64_t t = 0; t < x.size(0); ++t) {
        kernel::oracle().matmul_nt(x.data<double>() + t * x.stride(0), in[i].data<double>(),
                                   y.data<double>() + t * y.stride(0) + column, 1, N, x.size(1),
                                   has_residual);
      }
      column += N;
    }
  }

  void plan_scratch(const Context& context, Inputs in) const {
    each_prepared(
        context, in, weights, [](PanelKind, const Tensor&) {},
        [](const Parameter&, const Tensor&) {});
  }

  void backward(const Context& context, const Tensor& dy, const Tensor&, Inputs in, const Saved&,
                Gradients gradients) const {
    with_type(dy, [&]<class T>() {
      std::int64_t column = 0;
      for (std::size_t i = 1; i <= weights.size(); ++i) {
        backward_one<T>(context, dy, column, in, i, gradients);
        column += in[i].size(0);
      }
      if (has_residual && gradients.back().defined()) {
        math<T>(context).add(dy.data<T>(), gradients.back().template data<T>(), dy.elements());
      }
    });
  }

 private:
  template <class T>
  void backward_one(const Context& context, const Tensor& dy, std::int64_t column, Inputs in,
                    std::size_t i, Gradients gradients) const {
    const std::int64_t rows = dy.size(0), N = in[i].size(0), K = in[i].size(1);
    const Tensor part =
        context.empty({rows, N}, dy.dtype());  // this weight's columns of dy, side by side
    for (std::int64_t t = 0; t < rows; ++t) {
      std::copy_n(dy.data<T>() + t * dy.stride(0) + column, N, part.data<T>() + t * N);
    }
    if (gradients[0].defined()) {
      const Tensor weight = decoded<T>(in[i]);
      math<T>(context).matmul_nn(part.data<T>(), weight.data<T>(), gradients[0].template data<T>(),
                                 rows, K, N, true);
    }
    if (gradients[i].defined()) {
      const Tensor x = contiguous(context, in[0]);
      math<T>(context).matmul_tn(part.data<T>(), x.data<T>(), gradients[i].template data<T>(), N, K,
                                 rows, true);
    }
  }
};

std::vector<Tensor> inputs_of(const Tensor& x, std::span<const Parameter* const> weights) {
  std::vector<Tensor> inputs = {x};
  for (const Parameter* weight : weights) inputs.push_back(weight->value);
  return inputs;
}

}  // namespace

Tensor linear(const Context& context, const Tensor& x, std::span<const Parameter* const> weights) {
  return apply(context, Linear{{weights.begin(), weights.end()}}, inputs_of(x, weights));
}

Tensor linear_add(const Context& context, const Tensor& residual, const Tensor& x,
                  const Parameter& weight) {
  const Parameter* weights[] = {&weight};
  std::vector<Tensor> inputs = inputs_of(x, weights);
  inputs.push_back(residual);
  const Linear op{{&weight}, true};
  if (context.tape != nullptr) return apply(context, op, std::move(inputs));
  op.shape(inputs);
  check_layout(Linear::kName, inputs, Linear::kStrided);
  if (context.planning()) {
    context.plan->operations += op.operations(inputs);
    op.plan_scratch(context, inputs);
    return residual;
  }
  op.forward(context, residual, inputs, nullptr);
  return residual;
}

std::vector<Sample> samples_linear() {
  const auto side_by_side = [](const Context& c, Inputs in) {
    const Parameter first(in[1]), second(in[2]);
    const Parameter* weights[] = {&first, &second};
    return linear(c, in[0], weights);
  };
  const auto with_residual = [](const Context& c,
                                Inputs in) {  // on a copy: linear_add may write into it
    const Tensor residual = add(c, in[2], Tensor::zeros(in[2].shape(), DType::f64));
    return linear_add(c, residual, in[0], Parameter(in[1]));
  };
  const auto of_a_view = [](const Context& c, Inputs in) {
    const Parameter weight(in[1]);
    const Parameter* weights[] = {&weight};
    return linear(c, columns(c, in[0], 2, 5), weights);
  };
  return {{"linear",
           {sample_tensor({3, 5}, 1), sample_tensor({4, 5}, 2), sample_tensor({2, 5}, 3)},
           side_by_side},
          {"linear", {sample_tensor({3, 8}, 7), sample_tensor({4, 5}, 8)}, of_a_view},
          {"linear_add",
           {sample_tensor({3, 6}, 4), sample_tensor({5, 6}, 5), sample_tensor({3, 5}, 6)},
           with_residual}};
}

}  // namespace pomona::op
