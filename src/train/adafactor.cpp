// Adafactor (Shazeer and Stern 2018, arXiv:1804.04235, algorithms 4 and 5) for a learning rate that
// is given, as transformers' Adafactor without scale_parameter and relative_step: of the mean of
// squares of a matrix only the means of its rows and columns are kept.
#include <algorithm>
#include <cmath>

#include "train/optimiser_base.h"

namespace pomona::train {
namespace {

/// A tensor as `count` matrices of R rows and C columns.
struct Matrices {
  explicit Matrices(const Shape& shape)
      : count(shape.elements() / std::max<std::int64_t>(1, shape[-1] * shape[-2])),
        R(shape[-2]),
        C(shape[-1]) {}
  std::int64_t count, R, C;
};

Shape without(const Shape& shape, int dim) {
  std::vector<std::int64_t> sizes(shape.begin(), shape.end());
  sizes.erase(sizes.end() + dim);
  return Shape(sizes);
}

/// Rows of one task: its work follows from the shape alone.
std::int64_t rows_of_task(std::int64_t C) {
  return std::max<std::int64_t>(1, (std::int64_t{1} << 14) / C);
}

/// How a step is made, beside the tensors.
struct Numbers {
  float gradient;  // what gradients are multiplied with
  float keep;      // of the mean of squares
  float floor;     // added to squares
  double clip;     // the largest root mean square of an update
  double rate;     // the learning rate
  float decay;     // learning rate * weight decay
};

/// The update's factor so that its root mean square is at most clip, times the learning rate.
float step_of(const Numbers& numbers, double square_sum, std::int64_t elements) {
  const double size = std::sqrt(square_sum / static_cast<double>(elements));
  return static_cast<float>(numbers.rate / std::max(1.0, size / numbers.clip));
}

class Adafactor : public OptimiserBase {
 public:
  Adafactor(const OptimiserSettings& settings, std::span<const Trainable> trainables)
      : OptimiserBase(settings, trainables) {
    for (const Trainable& trainable : trainables) {
      const Shape& shape = trainable.value.shape();
      if (shape.rank() >= 2) {
        first_.push_back(new_state("exp_avg_sq_row", trainable.name, without(shape, -1)));
        second_.push_back(new_state("exp_avg_sq_col", trainable.name, without(shape, -2)));
      } else {
        first_.push_back(new_state("exp_avg_sq", trainable.name, shape));
        second_.emplace_back();
      }
    }
  }

 private:
  void update(const Context& context, std::span<const Trainable> trainables, double learning_rate,
              double gradient_scale, std::int64_t t) override {
    for (std::size_t i = 0; i < trainables.size(); ++i) {
      const Trainable& trainable = trainables[i];
      const double rate = learning_rate * trainable.rate_factor;
      const double decay = trainable.decay ? settings_.weight_decay : 0;
      const Numbers numbers = {
          static_cast<float>(gradient_scale),
          static_cast<float>(1 - std::pow(static_cast<double>(t), settings_.decay_power)),
          static_cast<float>(settings_.epsilon_square),
          settings_.clip,
          rate,
          static_cast<float>(rate * decay)};
      if (!second_[i].defined()) {
        whole(trainable, first_[i].data<float>(), numbers);
        continue;
      }
      const Matrices form(trainable.value.shape());
      means(context, trainable, form, first_[i].data<float>(), second_[i].data<float>(), numbers);
      descend(context, trainable, form, first_[i].data<float>(), second_[i].data<float>(), numbers);
    }
  }

  /// A vector keeps the mean of squares of each value.
  static void whole(const Trainable& trainable, float* square, const Numbers& numbers) {
    const std::int64_t n = trainable.value.elements();
    const float* const gradient = trainable.gradient.data<float>();
    float* const weight = trainable.value.data<float>();
    double sum = 0;
    const auto update_of = [&](std::int64_t i) {
      return gradient[i] * numbers.gradient / std::sqrt(square[i]);
    };
    for (std::int64_t i = 0; i < n; ++i) {
      const float g = gradient[i] * numbers.gradient;
      square[i] = numbers.keep * square[i] + (1 - numbers.keep) * (g * g + numbers.floor);
      const auto u = static_cast<double>(update_of(i));
      sum += u * u;
    }
    const float step = step_of(numbers, sum, n);
    for (std::int64_t i = 0; i < n; ++i)
      weight[i] = weight[i] - numbers.decay * weight[i] - step * update_of(i);
  }

  /// Calls f(task, matrix, first row, end) for the rows of all matrices in parallel.
  template <class F>
  static void each_task(const Context& context, const Matrices& form, F&& f) {
    const std::int64_t rows = rows_of_task(form.C), tasks = (form.R + rows - 1) / rows;
    context.pool.parallel_for(form.count * tasks, [&](std::int64_t task) {
      const std::int64_t begin = task % tasks * rows;
      f(task, task / tasks, begin, std::min(form.R, begin + rows));
    });
  }

  /// Moves the means of squares of rows and columns on.
  static void means(const Context& context, const Trainable& trainable, const Matrices& form,
                    float* rows, float* columns, const Numbers& numbers) {
    const std::int64_t C = form.C, R = form.R;
    const std::int64_t tasks = (R + rows_of_task(C) - 1) / rows_of_task(C);
    const float scale = numbers.gradient * numbers.gradient, rest = 1 - numbers.keep;
    std::vector<float> sums(static_cast<std::size_t>(form.count * tasks * C));
    each_task(
        context, form, [&](std::int64_t task, std::int64_t m, std::int64_t r, std::int64_t end) {
          float* const sum = sums.data() + task * C;
          for (; r < end; ++r) {
            const float* const g = trainable.gradient.data<float>() + (m * R + r) * C;
            const float mean = context.kernels.f32.square_sum(g, C) * scale / static_cast<float>(C);
            float& row = rows[m * R + r];
            row = numbers.keep * row + rest * (mean + numbers.floor);
            for (std::int64_t c = 0; c < C; ++c) sum[c] += g[c] * g[c];
          }
        });
    for (std::int64_t m = 0; m < form.count; ++m) {
      float* const total = sums.data() + m * tasks * C;
      for (std::int64_t task = 1; task < tasks; ++task)
        context.kernels.f32.add(total + task * C, total, C);
      for (std::int64_t c = 0; c < C; ++c) {
        const float mean = total[c] * scale / static_cast<float>(R);
        columns[m * C + c] = numbers.keep * columns[m * C + c] + rest * (mean + numbers.floor);
      }
    }
  }

  /// Weights follow g sqrt(mean of row means) / sqrt(row mean * column mean), clipped.
  static void descend(const Context& context, const Trainable& trainable, const Matrices& form,
                      const float* rows, const float* columns, const Numbers& numbers) {
    const std::int64_t C = form.C, R = form.R;
    std::vector<float> row_factors(static_cast<std::size_t>(form.count * R));
    std::vector<float> column_factors(static_cast<std::size_t>(form.count * C));
    for (std::int64_t m = 0; m < form.count; ++m) {
      double sum = 0;
      for (std::int64_t r = 0; r < R; ++r) sum += static_cast<double>(rows[m * R + r]);
      const double mean = sum / static_cast<double>(R);
      for (std::int64_t r = m * R; r < (m + 1) * R; ++r)
        row_factors[static_cast<std::size_t>(r)] =
            numbers.gradient * static_cast<float>(std::sqrt(mean / static_cast<double>(rows[r])));
      for (std::int64_t c = m * C; c < (m + 1) * C; ++c)
        column_factors[static_cast<std::size_t>(c)] = 1 / std::sqrt(columns[c]);
    }

    /// f(global row, g / sqrt(column mean)) for the rows of a task.
    const auto each_row = [&](std::int64_t m, std::int64_t r, std::int64_t end, auto&& f) {
      std::vector<float> scaled(static_cast<std::size_t>(C));
      const float* const factors = column_factors.data() + m * C;
      for (r += m * R, end += m * R; r < end; ++r) {
        const float* const g = trainable.gradient.data<float>() + r * C;
        for (std::int64_t c = 0; c < C; ++c)
          scaled[static_cast<std::size_t>(c)] = g[c] * factors[c];
        f(r, scaled.data());
      }
    };
    std::vector<double> sums(row_factors.size());
    each_task(context, form, [&](std::int64_t, std::int64_t m, std::int64_t r, std::int64_t end) {
      each_row(m, r, end, [&](std::int64_t row, const float* scaled) {
        const auto i = static_cast<std::size_t>(row);
        const auto factor = static_cast<double>(row_factors[i]);
        sums[i] = factor * factor * static_cast<double>(context.kernels.f32.square_sum(scaled, C));
      });
    });
    double sum = 0;
    for (const double part : sums) sum += part;
    const float step = step_of(numbers, sum, trainable.value.elements());
    each_task(context, form, [&](std::int64_t, std::int64_t m, std::int64_t r, std::int64_t end) {
      each_row(m, r, end, [&](std::int64_t row, const float* scaled) {
        float* const weight = trainable.value.data<float>() + row * C;
        const float factor = step * row_factors[static_cast<std::size_t>(row)];
        for (std::int64_t c = 0; c < C; ++c)
          weight[c] = weight[c] - numbers.decay * weight[c] - factor * scaled[c];
      });
    });
  }

  std::vector<Tensor> first_, second_;
};

}  // namespace

std::unique_ptr<Optimiser> make_adafactor(const OptimiserSettings& settings,
                                          std::span<const Trainable> trainables) {
  return std::make_unique<Adafactor>(settings, trainables);
}

std::int64_t adafactor_state_bytes(const Shape& shape) {
  std::int64_t values = shape.elements();
  if (shape.rank() >= 2) values = without(shape, -1).elements() + without(shape, -2).elements();
  return bytes_of(DType::f32, values);
}

}  // namespace pomona::train
