// Every op against central differences in double precision, driven by the ops' own samples.
#include <gtest/gtest.h>

#include <cmath>

#include "op/ops.h"
#include "tests/support/engine.h"
#include "tests/support/refused.h"

namespace pomona {
namespace {

using test::Engine;
using test::refused;

/// A scalar function of the sample: its output weighted by fixed numbers, so every element matters.
double weighted(const Tensor& y) {
  const Tensor weights = op::sample_tensor({y.elements()}, 99);
  double sum = 0;
  for (std::int64_t i = 0; i < y.elements(); ++i)
    sum += y.data<double>()[i] * weights.data<double>()[i];
  return sum;
}

/// The same on the tape: linear() with the weights as its only row.
Tensor weighted_loss(const Context& context, const Tensor& y) {
  const Tensor weights = op::sample_tensor({y.elements()}, 99);
  Tensor loss = context.empty({1}, DType::f64);
  *loss.data<double>() = weighted(y);
  context.tape->record("weighted", loss, {y}, {},
                       [weights](const Context&, const Tensor& dy, const Tensor&, Inputs in,
                                 const Saved&, Gradients g) {
                         for (std::int64_t i = 0; i < in[0].elements(); ++i) {
                           g[0].data<double>()[i] += *dy.data<double>() * weights.data<double>()[i];
                         }
                       });
  return loss;
}

TEST(Gradient, EveryOpAgreesWithCentralDifferences) {
  Engine engine(2);
  for (const Sample& sample : op::all_samples()) {
    SCOPED_TRACE(sample.op);
    Tape tape;
    Context recording = engine.context;
    recording.tape = &tape;
    std::vector<Tensor> inputs = sample.inputs;
    for (Tensor& input : inputs) input.require_gradient();
    tape.backward(recording, weighted_loss(recording, sample.run(recording, inputs)));

    for (std::size_t which = 0; which < inputs.size(); ++which) {
      double* values = inputs[which].data<double>();
      const double* gradient = inputs[which].gradient().data<double>();
      for (std::int64_t i = 0; i < inputs[which].elements(); ++i) {
        const double kept = values[i], step = 1e-6;
        const auto at = [&](double value) {
          values[i] = value;
          std::vector<Tensor> plain = sample.inputs;
          return weighted(sample.run(engine.context, plain));
        };
        const double difference = (at(kept + step) - at(kept - step)) / (2 * step);
        values[i] = kept;
        // Truncation error is about step^2, rounding about 1e-16 / step: both far below the bound.
        EXPECT_NEAR(gradient[i], difference, 1e-6 * std::max(1.0, std::abs(difference)))
            << "input " << which << " element " << i;
      }
    }
  }
}

TEST(Views, AreRefusedByOpsThatReadOnePieceOfMemory) {
  Engine engine;
  const Context& c = engine.context;
  const Tensor view = op::columns(c, op::sample_tensor({2, 7}, 1), 1, 4);  // (2, 4)
  const Tensor whole = op::sample_tensor({2, 4}, 2), weight = op::sample_tensor({4}, 3);
  const std::string gaps = ", (2, 4), is a view with gaps, which this op does not take";
  EXPECT_EQ(refused([&] { op::layer_norm(c, view, weight, weight, 1e-5); }),
            "bad_shape: layer_norm: input 0" + gaps);
  EXPECT_EQ(refused([&] { op::add(c, whole, view); }), "bad_shape: add: input 1" + gaps);
  EXPECT_EQ(refused([&] { op::scaled_sum(c, view, 1); }), "bad_shape: scaled_sum: input 0" + gaps);
  EXPECT_EQ(refused([&] { op::cross_entropy(c, view, Tensor::zeros({2}, DType::i32)); }),
            "bad_shape: cross_entropy: input 0" + gaps);
  const Parameter square(op::sample_tensor({4, 4}, 4));
  EXPECT_EQ(refused([&] { op::linear_add(c, view, whole, square); }),
            "bad_shape: linear: input 2" + gaps);
  EXPECT_EQ(refused([&] { op::linear_add(c, whole, view, square); }), "nothing");
  EXPECT_EQ(refused([&] { op::layer_norm(c, op::contiguous(c, view), weight, weight, 1e-5); }),
            "nothing");
}

TEST(Gradient, NothingIsComputedForWhatNeedsNone) {
  Engine engine;
  Tape tape;
  Context recording = engine.context;
  recording.tape = &tape;
  Tensor x = op::sample_tensor({2, 4}, 1), weight = op::sample_tensor({4}, 2);
  op::rms_norm(recording, x, weight, 1e-5);
  EXPECT_EQ(tape.nodes(), 0u);
  weight.require_gradient();
  const Tensor y = op::rms_norm(recording, x, weight, 1e-5);
  EXPECT_EQ(tape.nodes(), 1u);
  tape.backward(recording, op::scaled_sum(recording, y, 1));
  EXPECT_FALSE(x.needs_gradient());
  EXPECT_EQ(weight.gradient().shape(), weight.shape());
}

TEST(Gradient, AParameterUsedTwiceAccumulates) {
  Engine engine;
  Tape tape;
  Context recording = engine.context;
  recording.tape = &tape;
  Tensor x = op::sample_tensor({3}, 1);
  x.require_gradient();
  tape.backward(recording, op::scaled_sum(recording, op::add(recording, x, x), 1));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(x.gradient().data<double>()[i], 2);
}

}  // namespace
}  // namespace pomona
