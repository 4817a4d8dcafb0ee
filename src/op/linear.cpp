// Linear maps: y = x W^T for one or several weights that share x, and with a residual. The input is
// prepared once. Gradients: dx = dy W, whatever W's format, and dW = dy^T x.
#include <algorithm>
#include <cstring>
#include <optional>

#include "op/low_rank.h"
#include "op/ops.h"

namespace pomona::op {
namespace {

using kernel::PanelKind;

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
      rows = prepared_memory(context, kind, x.size(0), x.size(1));
      prepare_rows(kind, rows);
      prepared = kind;
    }
    f(i, rows);
  }
}

/// The inputs are x, the weights, the biases that are not null, a and b of each low-rank change,
/// and the residual, if there is one.
struct Linear {
  static constexpr std::string_view kName = "linear";
  static constexpr std::size_t kStrided = 1;
  std::vector<const Parameter*> weights;
  std::vector<const Parameter*> biases;  // none, or one for each weight, null where it has none
  bool has_residual = false;
  LowRanks changes;

  const Parameter* bias(std::size_t i) const { return biases.empty() ? nullptr : biases[i]; }

  std::vector<Tensor> inputs(const Tensor& x, const Tensor& residual) const {
    std::vector<Tensor> all = {x};
    for (const Parameter* weight : weights) all.push_back(weight->value);
    for (const Parameter* bias : biases) {
      if (bias != nullptr) all.push_back(bias->value);
    }
    changes.append_inputs(all);
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
    changes.check(weights);
    if (has_residual && in.back().shape() != y) {
      fail(ErrorKind::bad_shape, "linear: residual {}, product {}", in.back().shape().text(),
           y.text());
    }
    return y;
  }
  double operations(Inputs in) const {
    return 2.0 * static_cast<double>(in[0].elements()) * static_cast<double>(shape(in)[1]);
  }

  void forward(const Context& context, const Tensor& y, Inputs in, Saved* saved) const {
    if (context.product_probe != nullptr) {
      for (const Parameter* weight : weights) (*context.product_probe)(*weight, in[0]);
    }
    if (has_residual && y.raw() != in.back().raw()) {
      std::memcpy(y.raw(), in.back().raw(), static_cast<std::size_t>(y.bytes()));
    }
    if (in[0].dtype() == DType::f32) {
      multiply_all(context, in, y);
      changes.forward(context, in[0], y, saved);
    } else {
      multiply_all_f64(y, in);
    }
  }

  void plan_forward(const Context& context, Inputs in, Saved* saved) const {
    each_prepared(
        context, in, weights.size(), [](PanelKind, const Tensor&) {},
        [&](std::size_t i, const Tensor&) {
          if (in[i + 1].needs_gradient()) weights[i]->packed(context);
        });
    changes.plan_forward(context, in[0], saved);
  }

  void backward(const Context& context, const Tensor& dy, const Tensor&, Inputs in,
                const Saved& saved, Gradients gradients) const {
    with_type(dy, [&]<class T>() {
      if constexpr (std::is_same_v<T, float>) {
        backward_f32(context, dy, in, saved, gradients);
      } else {
        backward_f64(dy, in, gradients);
      }
      each_part(in, [&](std::size_t, std::size_t, std::size_t bias, std::int64_t column) {
        if (bias == 0 || !gradients[bias].defined()) return;
        for (std::int64_t t = 0; t < dy.size(0); ++t) {
          math<T>(context).add(dy.data<T>() + t * dy.stride(0) + column,
                               gradients[bias].template data<T>(), in[bias].size(0));
        }
      });
      if (has_residual && gradients.back().defined())
        add_to(context, dy.data<T>(), gradients.back().template data<T>(), dy.elements());
    });
  }

  void plan_backward(const Context& context, Inputs in, Gradients gradients) const {
    const PanelKind kind = gradient_kind(context.compute);
    const std::int64_t T = in[0].size(0);
    each_part(in, [&](std::size_t, std::size_t weight, std::size_t, std::int64_t) {
      if (gradients[0].defined()) {
        const Tensor rows = prepared_memory(context, kind, T, in[weight].size(0));
        Packed::turned(context, in[weight], kind);
      }
      if (gradients[weight].defined()) {
        const Tensor rows = prepared_memory(context, kind, in[weight].size(0), T);
        Packed::turned(context, in[0], kind);
      }
    });
    changes.plan_backward(context, in[0], gradients[0], of_changes(gradients));
  }

 private:
  /// The part of inputs or gradients that belongs to the low-rank changes.
  template <class T>
  std::span<T> of_changes(std::span<T> all) const {
    return all.subspan(all.size() - changes.inputs() - (has_residual ? 1 : 0), changes.inputs());
  }

  /// Products of f32 rows with packed weights, side by side in y.
  void multiply_all(const Context& context, Inputs in, const Tensor& y) const {
    std::int64_t column = 0;
    each_prepared(
        context, in, weights.size(),
        [&](PanelKind kind, const Tensor& rows) {
          prepare(context, kind, Rows::of(in[0]), rows.raw());
        },
        [&](std::size_t i, const Tensor& rows) {
          const Packed packed = weights[i]->packed(context);
          const std::int64_t N = packed.layout().N;
          multiply(context, packed, bias(i) != nullptr ? bias(i)->value.data<float>() : nullptr,
                   rows.raw(), Rows::of(y, column, N), has_residual);
          column += N;
        });
  }

  void backward_f32(const Context& context, const Tensor& dy, Inputs in, const Saved& saved,
                    Gradients gradients) const {
    const PanelKind kind = gradient_kind(context.compute);
    each_part(in, [&](std::size_t, std::size_t weight, std::size_t, std::int64_t column) {
      const Rows outputs = Rows::of(dy, column, in[weight].size(0));
      if (gradients[0].defined()) {
        const Tensor rows = prepared(context, kind, outputs);
        multiply(context, Packed::turned(context, in[weight], kind), nullptr, rows.raw(),
                 Rows::of(gradients[0]), true);
      }
      if (gradients[weight].defined()) {
        const Tensor rows = prepared_turned(context, kind, outputs);
        multiply(context, Packed::turned(context, in[0], kind), nullptr, rows.raw(),
                 Rows::of(gradients[weight]), true);
      }
    });
    if (!changes.empty())
      changes.backward(context, dy, in[0], saved[0], gradients[0], of_changes(gradients));
  }

  /// The weight that acts, its low-rank changes included.
  Tensor effective_f64(Inputs in, std::size_t i) const {
    const Tensor weight = Tensor::zeros(in[i + 1].shape(), DType::f64);
    std::copy_n(in[i + 1].data<double>(), weight.elements(), weight.data<double>());
    const auto low_ranks = of_changes(in);
    std::size_t next = 0;
    changes.each([&](std::size_t of, const LowRank& change, std::int64_t) {
      const Tensor &a = low_ranks[next], &b = low_ranks[next + 1];
      next += 2;
      if (of != i) return;
      const Tensor scaled = Tensor::zeros(b.shape(), DType::f64);
      kernel::oracle().scale(b.data<double>(), change.scale, scaled.data<double>(), b.elements());
      kernel::oracle().matmul_nn(scaled.data<double>(), a.data<double>(), weight.data<double>(),
                                 b.size(0), a.size(1), a.size(0), true);
    });
    return weight;
  }

  void multiply_all_f64(const Tensor& y, Inputs in) const {
    const Tensor& x = in[0];
    each_part(in, [&](std::size_t i, std::size_t weight, std::size_t bias, std::int64_t column) {
      const std::int64_t N = in[weight].size(0);
      const Tensor acting = effective_f64(in, i);
      for (std::int64_t t = 0; t < x.size(0); ++t) {
        double* const to = y.data<double>() + t * y.stride(0) + column;
        if (!has_residual) std::fill_n(to, N, 0.0);
        if (bias != 0) kernel::oracle().add(in[bias].data<double>(), to, N);
        kernel::oracle().matmul_nt(x.data<double>() + t * x.stride(0), acting.data<double>(), to, 1,
                                   N, x.size(1), true);
      }
    });
  }

  /// The oracle: by way of the gradient dW = dy^T x of each acting weight, db = scale dW a^T and
  /// da = scale b^T dW.
  void backward_f64(const Tensor& dy, Inputs in, Gradients gradients) const {
    const auto& oracle = kernel::oracle();
    const Tensor& x = in[0];
    const std::int64_t K = x.size(1);
    each_part(in, [&](std::size_t i, std::size_t weight, std::size_t, std::int64_t column) {
      const std::int64_t N = in[weight].size(0);
      const Tensor acting = effective_f64(in, i), dw = Tensor::zeros({N, K}, DType::f64);
      for (std::int64_t t = 0; t < x.size(0); ++t) {
        const double* const row = dy.data<double>() + t * dy.stride(0) + column;
        if (gradients[0].defined()) {
          oracle.matmul_nn(row, acting.data<double>(), gradients[0].data<double>() + t * K, 1, K, N,
                           true);
        }
        oracle.matmul_tn(row, x.data<double>() + t * x.stride(0), dw.data<double>(), N, K, 1, true);
      }
      if (gradients[weight].defined())
        oracle.add(dw.data<double>(), gradients[weight].data<double>(), dw.elements());
      std::size_t next = 0;
      changes.each([&](std::size_t of, const LowRank& change, std::int64_t) {
        const Tensor &a = of_changes(in)[next], &b = of_changes(in)[next + 1];
        const Tensor &da = of_changes(gradients)[next], &db = of_changes(gradients)[next + 1];
        next += 2;
        if (of != i) return;
        const Tensor scaled = Tensor::zeros({N, K}, DType::f64);
        oracle.scale(dw.data<double>(), change.scale, scaled.data<double>(), dw.elements());
        if (da.defined()) {
          oracle.matmul_tn(b.data<double>(), scaled.data<double>(), da.data<double>(), a.size(0), K,
                           N, true);
        }
        if (db.defined()) {
          oracle.matmul_nt(scaled.data<double>(), a.data<double>(), db.data<double>(), N, a.size(0),
                           K, true);
        }
      });
    });
  }
};

}  // namespace

Tensor linear(const Context& context, const Tensor& x, std::span<const Parameter* const> weights,
              std::span<const Parameter* const> biases) {
  if (!biases.empty() && biases.size() != weights.size()) {
    fail(ErrorKind::bad_shape, "linear: {} weights, {} biases", weights.size(), biases.size());
  }
  const Linear op{{weights.begin(), weights.end()},
                  {biases.begin(), biases.end()},
                  false,
                  LowRanks(weights, context.noise)};
  return apply(context, op, op.inputs(x, Tensor()));
}

Tensor linear_add(const Context& context, const Tensor& residual, const Tensor& x,
                  const Parameter& weight, const Parameter* bias) {
  const Parameter* const weights[] = {&weight};
  const Linear op{{&weight}, {bias}, true, LowRanks(weights, context.noise)};
  std::vector<Tensor> inputs = op.inputs(x, residual);
  if (context.tape != nullptr) return apply(context, op, std::move(inputs));
  op.shape(inputs);
  check_layout(Linear::kName, inputs, Linear::kStrided);
  if (context.planning()) {
    context.plan->operations += op.operations(inputs);
    op.plan_forward(context, inputs, nullptr);
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
  const auto with_low_ranks = [](const Context& c, Inputs in) {
    Parameter first(in[1]), second(in[2]);
    first.adapters = {std::make_shared<LowRank>(LowRank{Parameter(in[3]), Parameter(in[4]), 0.5}),
                      std::make_shared<LowRank>(LowRank{Parameter(in[5]), Parameter(in[6]), 2})};
    second.adapters = {std::make_shared<LowRank>(LowRank{Parameter(in[3]), Parameter(in[7]), 3})};
    const Parameter* weights[] = {&first, &second};
    return linear(c, in[0], weights);
  };
  return {{"linear",
           {sample_tensor({3, 5}, 1), sample_tensor({4, 5}, 2), sample_tensor({6, 5}, 3),
            sample_tensor({2, 5}, 4), sample_tensor({4, 2}, 5), sample_tensor({3, 5}, 6),
            sample_tensor({4, 3}, 7), sample_tensor({6, 2}, 8)},
           with_low_ranks},
          {"linear",
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
