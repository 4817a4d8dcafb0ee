// Gradients of linear maps in f32 and bf16 against the same in f64, which the gradient check
// proves: plain, through block formats, and with low-rank changes.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <memory>

#include "op/ops.h"
#include "quant/q4_1.h"
#include "tests/support/engine.h"

namespace pomona {
namespace {

using test::Engine;

constexpr std::int64_t kT = 150, kK = 96, kN = 70, kM = 130, kR = 3;

Tensor as_f64(const Tensor& x) {
  const Tensor wide = Tensor::zeros(x.shape(), DType::f64);
  for (std::int64_t i = 0; i < x.elements(); ++i) wide.data<double>()[i] = x.data<float>()[i];
  return wide;
}

Tensor decoded(const Tensor& weight) {
  const Tensor values = Tensor::zeros(weight.shape());
  info(weight.dtype()).unpack(weight.raw(), values.data<float>(), weight.elements());
  return values;
}

/// Two weights that share x, the first with a low-rank change.
struct Inputs2 {
  Tensor x, first, second, a, b;
};

struct Results {
  Tensor y;
  std::vector<Tensor> gradients;  // of those that want one
};

Results run(const Context& engine, Inputs2 in, bool train_weights) {
  Tape tape;
  Context context = engine;
  context.tape = &tape;
  in.x.require_gradient();
  in.a.require_gradient();
  in.b.require_gradient();
  if (train_weights) {
    in.first.require_gradient();
    in.second.require_gradient();
  }
  Parameter first(in.first), second(in.second);
  first.adapters = {std::make_shared<LowRank>(LowRank{Parameter(in.a), Parameter(in.b), 0.5})};
  const Parameter* weights[] = {&first, &second};
  const Tensor y = op::linear(context, in.x, weights);
  const Tensor dy = op::sample_tensor(y.shape(), 9, y.dtype());
  tape.backward(context, y, dy);
  Results results{Tensor::zeros(y.shape(), y.dtype()), {}};
  std::memcpy(results.y.raw(), y.raw(), static_cast<std::size_t>(y.bytes()));
  for (const Tensor* input : {&in.x, &in.a, &in.b}) results.gradients.push_back(input->gradient());
  if (train_weights) {
    for (const Tensor* input : {&in.first, &in.second})
      results.gradients.push_back(input->gradient());
  }
  return results;
}

/// |x - y| / |y|, in the L2 norm.
double distance(const Tensor& x, const Tensor& y) {
  double difference = 0, norm = 0;
  for (std::int64_t i = 0; i < x.elements(); ++i) {
    const double want = y.data<double>()[i], d = x.data<float>()[i] - want;
    difference += d * d;
    norm += want * want;
  }
  return std::sqrt(difference / norm);
}

void expect_near(const Results& got, const Results& want, double bound) {
  EXPECT_LT(distance(got.y, want.y), bound);
  for (std::size_t i = 0; i < got.gradients.size(); ++i)
    EXPECT_LT(distance(got.gradients[i], want.gradients[i]), bound) << "gradient " << i;
}

Inputs2 inputs() {
  return {op::sample_tensor({kT, kK}, 1, DType::f32), op::sample_tensor({kN, kK}, 2, DType::f32),
          op::sample_tensor({kM, kK}, 3, DType::f32), op::sample_tensor({kR, kK}, 4, DType::f32),
          op::sample_tensor({kN, kR}, 5, DType::f32)};
}

// f32: sums of up to 150 products, each rounded to 2^-24, grow like a random walk: 1e-6. bf16: both
// factors carry errors of up to 2^-9, which averages out to a few 1e-3.
constexpr double kF32 = 1e-6, kBf16 = 6e-3;

TEST(LinearGradient, AgreesWithDoublePrecision) {
  Engine engine(2);
  const Inputs2 in = inputs();
  engine.context.compute = Compute::f32;
  const Results want =
      run(engine.context,
          {as_f64(in.x), as_f64(in.first), as_f64(in.second), as_f64(in.a), as_f64(in.b)}, true);
  expect_near(run(engine.context, in, true), want, kF32);
  engine.context.compute = Compute::bf16;
  expect_near(run(engine.context, in, true), want, kBf16);
}

TEST(LinearGradient, GoesThroughBlockFormatsAsThroughTheirValues) {
  Engine engine(2);
  Inputs2 in = inputs();
  for (const DType dtype : {DType::q4_1, DType::q8_0, DType::bf16, DType::f16}) {
    const Tensor first(heap_storage(static_cast<std::size_t>(bytes_of(dtype, kN * kK))), {kN, kK},
                       dtype);
    // Any bytes are a weight, as long as the scales are tame.
    for (std::int64_t i = 0; i < first.bytes(); ++i) first.raw()[i] = std::byte(i * 37 % 59);
    const Tensor values = decoded(first);
    engine.context.compute = Compute::f32;
    in.first = first;
    const Results through = run(engine.context, in, false);
    in.first = values;
    const Results plain = run(engine.context, in, false);
    for (std::size_t i = 0; i < through.gradients.size(); ++i) {
      const Tensor &a = through.gradients[i], &b = plain.gradients[i];
      EXPECT_EQ(std::memcmp(a.raw(), b.raw(), static_cast<std::size_t>(a.bytes())), 0)
          << info(dtype).name << " gradient " << i;
    }
  }
}

TEST(LinearGradient, HasTheSameBitsForEveryNumberOfThreads) {
  for (const Compute compute : {Compute::f32, Compute::bf16}) {
    Engine one(1), three(3);
    one.context.compute = three.context.compute = compute;
    const Results a = run(one.context, inputs(), true), b = run(three.context, inputs(), true);
    for (std::size_t i = 0; i < a.gradients.size(); ++i) {
      EXPECT_EQ(std::memcmp(a.gradients[i].raw(), b.gradients[i].raw(),
                            static_cast<std::size_t>(a.gradients[i].bytes())),
                0)
          << i;
    }
  }
}

TEST(LinearGradient, DropsTheSameShareEachTimeAndScalesTheRest) {
  Engine engine;
  engine.context.compute = Compute::f32;
  const Tensor x = Tensor::zeros({64, 256}), weight = Tensor::zeros({4, 256});
  std::fill_n(x.data<float>(), x.elements(), 1.0F);
  const Tensor a = Tensor::zeros({1, 256}), b = Tensor::zeros({4, 1});
  std::fill_n(a.data<float>(), a.elements(), 1.0F);
  std::fill_n(b.data<float>(), b.elements(), 1.0F);
  Parameter changed(weight);
  changed.adapters = {std::make_shared<LowRank>(LowRank{Parameter(a), Parameter(b), 1, 0.25})};
  const Parameter* weights[] = {&changed};
  const Tensor whole = op::linear(engine.context, x, weights);
  EXPECT_EQ(whole.data<float>()[0], 256);
  Noise noise{3, 4, 0}, same = noise;
  engine.context.noise = &noise;
  const Tensor dropped = op::linear(engine.context, x, weights);
  const Tensor other = op::linear(engine.context, x, weights);
  engine.context.noise = &same;
  const Tensor again = op::linear(engine.context, x, weights);
  EXPECT_EQ(noise.draws, 2U);
  EXPECT_EQ(std::memcmp(dropped.raw(), again.raw(), static_cast<std::size_t>(again.bytes())), 0);
  EXPECT_NE(std::memcmp(dropped.raw(), other.raw(), static_cast<std::size_t>(other.bytes())), 0);
  double mean = 0;
  for (std::int64_t t = 0; t < 64; ++t) mean += dropped.data<float>()[4 * t] / 64;
  // The mean of 16384 values of 4/3 or 0, times 256: standard deviation 256 * 0.577 / 128 = 1.2.
  EXPECT_NEAR(mean, 256, 6);
}

}  // namespace
}  // namespace pomona
