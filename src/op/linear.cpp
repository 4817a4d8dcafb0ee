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

/// The outputs of `call` begin with `bias` (N), added to what is in them if the call accumulates.
void begin_with_bias(const Context& context, const float* bias, kernel::GemmCall& call) {
  for (std::int64_t t = 0; t < call.T; ++t) {
    float* const row = call.y + t * call.y_stride;
    if (call.accumulate) {
      context.kernels.f32.add(bias, row, call.N);
    } else {
      std::copy_n(bias, call.N, row);
    }
  }
  call.accumulate = true;
}

/// `bias` (N) may be null.
void multiply(const Context& context, const Packed& weight, const float* bias,
              const std::byte* rows, float* y, std::int64_t y_stride, std::int64_t T,
              bool accumulate) {
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
    if (bias != nullptr) begin_with_bias(context, bias + first_panel * kPanelWidth, call);
    context.kernels.gemm[static_cast<std::size_t>(layout.kind)](call);
  });
}

/// Calls f(i, rows) for each weight i with x prepared for its kind; `prepare_rows` fills the rows
/// when the kind changes.
template <class Prepare, class F>
void each_prepared(const Context& context, Inputs in, std::size_t weights, Prepare&& prepare_rows,
                   F&& f) {
  const Tensor& x = in[0];
  Tensor rows;
  std::optional<PanelKind> prepared;
  for (std::size_t i = 0; i < weights; ++i) {
    const PanelKind kind = panel_kind(in[i + 1].dtype(), context.compute);
    if (kind != prepared) {
      rows = Tensor();
      rows = context.empty({x.size(0), kernel::prepared_row_bytes(kind, x.size(1)) / 4});
      prepare_rows(kind, rows);
      prepared = kind;
    }
    f(i, rows);
  }
}

/// The weight's values as T, row-major: itself if it is stored so, else decoded.
template <class T>
Tensor decoded(const Tensor& weight) {
  if (weight.dtype() == dtype_of<T>()) return weight;
  const Tensor values = Tensor::zeros(weight.shape(), DType::f32);
  info(weight.dtype()).unpack(weight.raw(), values.data<float>(), weight.elements());
  return values;
}

/// The inputs are x, the weights, the biases that are not null, and the residual, if there is one.
struct Linear {
  static constexpr std::string_view kName = "linear";
  static constexpr std::size_t kStrided = 1;
  std::vector<const Parameter*> weights;
  std::vector<const Parameter*> biases;  // none, or one for each weight, null where it has none
  bool has_residual = false;

  const Parameter* bias(std::size_t i) const { return biases.empty() ? nullptr : biases[i]; }

  std::vector<Tensor> inputs(const Tensor& x, const Tensor& residual) const {
    std::vector<Tensor> all = {x};
    for (const Parameter* weight : weights) all.push_back(weight->value);
    for (const Parameter* bias : biases) {
      if (bias != nullptr) all.push_back(bias->value);
    }
    if (has_residual) all.push_back(residual);
    return all;
  }

  /// Calls f(i, weight's input, bias's input or 0, first column of its part of y).
  template <class F>
  void each_part(Inputs in, F&& f) const {
    std::int64_t column = 0;
    std::size_t next = weights.size() + 1;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      f(i, i + 1, bias(i) != nullptr ? next++ : 0, column);
      column += in[i + 1].size(0);
    }
  }

  Shape shape(Inputs in) const {
    std::int64_t N = 0;
    each_part(in, [&](std::size_t, std::size_t weight, std::size_t bias, std::int64_t) {
      if (in[0].shape().rank() != 2 || in[weight].shape().rank() != 2 ||
          in[weight].size(1) != in[0].size(1)) {
        fail(ErrorKind::bad_shape, "linear: x {}, weight {}", in[0].shape().text(),
             in[weight].shape().text());
      }
      if (bias != 0 && in[bias].shape() != Shape{in[weight].size(0)}) {
        fail(ErrorKind::bad_shape, "linear: weight {}, bias {}", in[weight].shape().text(),
             in[bias].shape().text());
      }
      N += in[weight].size(0);
    });
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
    if (context.product_probe != nullptr) {
      for (const Parameter* weight : weights) (*context.product_probe)(*weight, in[0]);
    }
    if (has_residual && y.raw() != in.back().raw()) {
      std::memcpy(y.raw(), in.back().raw(), static_cast<std::size_t>(y.bytes()));
    }
    if (in[0].dtype() == DType::f32) {
      multiply_all(context, in, y);
    } else {
      multiply_all_f64(y, in);
    }
  }

  void plan_scratch(const Context& context, Inputs in) const {
    each_prepared(
        context, in, weights.size(), [](PanelKind, const Tensor&) {},
        [](std::size_t, const Tensor&) {});
  }

  void backward(const Context& context, const Tensor& dy, const Tensor&, Inputs in, const Saved&,
                Gradients gradients) const {
    with_type(dy, [&]<class T>() {
      each_part(in, [&](std::size_t, std::size_t weight, std::size_t bias, std::int64_t column) {
        backward_one<T>(context, dy, column, in, weight, gradients);
        if (bias == 0 || !gradients[bias].defined()) return;
        for (std::int64_t t = 0; t < dy.size(0); ++t) {
          math<T>(context).add(dy.data<T>() + t * dy.stride(0) + column,
                               gradients[bias].template data<T>(), in[bias].size(0));
        }
      });
      if (has_residual && gradients.back().defined()) {
        math<T>(context).add(dy.data<T>(), gradients.back().template data<T>(), dy.elements());
      }
    });
  }

 private:
  /// Products of f32 rows with packed weights, side by side in y.
  void multiply_all(const Context& context, Inputs in, const Tensor& y) const {
    std::int64_t column = 0;
    each_prepared(
        context, in, weights.size(),
        [&](PanelKind kind, const Tensor& rows) { prepare(context, kind, in[0], rows.raw()); },
        [&](std::size_t i, const Tensor& rows) {
          const Packed& packed = weights[i]->packed(context);
          multiply(context, packed, bias(i) != nullptr ? bias(i)->value.data<float>() : nullptr,
                   rows.raw(), y.data<float>() + column, y.stride(0), in[0].size(0), has_residual);
          column += packed.layout().N;
        });
  }

  void multiply_all_f64(const Tensor& y, Inputs in) const {
    const Tensor& x = in[0];
    each_part(in, [&](std::size_t, std::size_t weight, std::size_t bias, std::int64_t column) {
      const std::int64_t N = in[weight].size(0);
      for (std::int64_t t = 0; t < x.size(0); ++t) {
        double* const to = y.data<double>() + t * y.stride(0) + column;
        if (!has_residual) std::fill_n(to, N, 0.0);
        if (bias != 0) kernel::oracle().add(in[bias].data<double>(), to, N);
        kernel::oracle().matmul_nt(x.data<double>() + t * x.stride(0), in[weight].data<double>(),
                                   to, 1, N, x.size(1), true);
      }
    });
  }

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

}  // namespace

Tensor linear(const Context& context, const Tensor& x, std::span<const Parameter* const> weights,
              std::span<const Parameter* const> biases) {
  if (!biases.empty() && biases.size() != weights.size()) {
    fail(ErrorKind::bad_shape, "linear: {} weights, {} biases", weights.size(), biases.size());
  }
  const Linear op{{weights.begin(), weights.end()}, {biases.begin(), biases.end()}};
  return apply(context, op, op.inputs(x, Tensor()));
}

Tensor linear_add(const Context& context, const Tensor& residual, const Tensor& x,
                  const Parameter& weight, const Parameter* bias) {
  const Linear op{{&weight}, {bias}, true};
  std::vector<Tensor> inputs = op.inputs(x, residual);
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
  const auto biased = [](const Context& c, Inputs in) {
    const Parameter first(in[1]), second(in[2]), bias(in[3]);
    const Parameter* weights[] = {&first, &second};
    const Parameter* biases[] = {nullptr, &bias};
    return linear(c, in[0], weights, biases);
  };
  const auto with_residual_and_bias = [](const Context& c, Inputs in) {
    const Tensor residual = scale(c, in[2], 1);
    const Parameter bias(in[3]);
    return linear_add(c, residual, in[0], Parameter(in[1]), &bias);
  };
  return {{"linear",
           {sample_tensor({3, 5}, 1), sample_tensor({4, 5}, 2), sample_tensor({2, 5}, 3),
            sample_tensor({2}, 9)},
           biased},
          {"linear_add",
           {sample_tensor({3, 6}, 4), sample_tensor({5, 6}, 5), sample_tensor({3, 5}, 6),
            sample_tensor({5}, 10)},
           with_residual_and_bias},
          {"linear",
           {sample_tensor({3, 5}, 1), sample_tensor({4, 5}, 2), sample_tensor({2, 5}, 3)},
           side_by_side},
          {"linear", {sample_tensor({3, 8}, 7), sample_tensor({4, 5}, 8)}, of_a_view},
          {"linear_add",
           {sample_tensor({3, 6}, 4), sample_tensor({5, 6}, 5), sample_tensor({3, 5}, 6)},
           with_residual}};
}

}  // namespace pomona::op
