// Linear maps with biases in f32, as inference runs them: exact on small integers, whatever the
// panels, and the same bits for every company of a row.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "op/ops.h"
#include "tests/support/engine.h"
#include "tests/support/refused.h"

namespace pomona {
namespace {

using test::Engine;
using test::refused;

/// Whole numbers from -4 to 4, exact in every panel of floats.
Tensor small_integers(Shape shape, std::uint64_t stream) {
  const Tensor tensor = op::sample_tensor(shape, stream, DType::f32);
  for (std::int64_t i = 0; i < tensor.elements(); ++i)
    tensor.data<float>()[i] = std::round(4 * tensor.data<float>()[i]);
  return tensor;
}

double exact(const Tensor& x, const Tensor& weight, std::int64_t t, std::int64_t n) {
  double sum = 0;
  for (std::int64_t k = 0; k < x.size(1); ++k)
    sum += x.data<float>()[t * x.size(1) + k] * weight.data<float>()[n * x.size(1) + k];
  return sum;
}

TEST(Linear, AddsBiasesWhereThereAreSome) {
  for (const Compute compute : {Compute::f32, Compute::bf16, Compute::fast}) {
    Engine engine(2);
    engine.context.compute = compute;
    const std::int64_t T = 150, K = 33;
    const Tensor x = small_integers({T, K}, 1);
    const Parameter first(small_integers({70, K}, 2)), second(small_integers({130, K}, 3));
    const Parameter bias(small_integers({130}, 4)), first_bias(small_integers({70}, 5));
    const Parameter* weights[] = {&first, &second};
    const Parameter* biases[] = {nullptr, &bias};
    const Tensor y = op::linear(engine.context, x, weights, biases);
    const Tensor residual = small_integers({T, 70}, 6);
    const Tensor start = op::scale(engine.context, residual, 1);
    const Tensor sum = op::linear_add(engine.context, start, x, first, &first_bias);
    EXPECT_EQ(sum.raw(), start.raw());
    for (std::int64_t t = 0; t < T; ++t) {
      for (std::int64_t n = 0; n < 200; ++n) {
        const double want =
            n < 70 ? exact(x, first.value, t, n)
                   : exact(x, second.value, t, n - 70) + bias.value.data<float>()[n - 70];
        ASSERT_EQ(y.data<float>()[t * 200 + n], want) << t << " " << n;
      }
      for (std::int64_t n = 0; n < 70; ++n) {
        const double want = residual.data<float>()[t * 70 + n] + exact(x, first.value, t, n) +
                            first_bias.value.data<float>()[n];
        ASSERT_EQ(sum.data<float>()[t * 70 + n], want) << t << " " << n;
      }
    }
  }
}

TEST(Linear, ARowsBitsDoNotDependOnTheOthersOrTheThreads) {
  const std::int64_t T = 140, K = 96, N = 200;
  const Parameter weight(op::sample_tensor({N, K}, 1, DType::f32));
  const Parameter bias(op::sample_tensor({N}, 2, DType::f32));
  const Parameter* weights[] = {&weight};
  const Parameter* biases[] = {&bias};
  const Tensor x = op::sample_tensor({T, K}, 3, DType::f32);
  Engine one(1), three(3);
  const Tensor all = op::linear(one.context, x, weights, biases);
  const Tensor threaded = op::linear(three.context, x, weights, biases);
  EXPECT_EQ(std::memcmp(all.raw(), threaded.raw(), static_cast<std::size_t>(all.bytes())), 0);
  for (std::int64_t t = 0; t < T; ++t) {
    const Tensor alone = op::linear(one.context, x.narrow(0, t, 1), weights, biases);
    ASSERT_EQ(std::memcmp(alone.raw(), all.data<float>() + t * N, N * sizeof(float)), 0) << t;
  }
}

TEST(Linear, RefusesBiasesThatDoNotFit) {
  Engine engine;
  const Tensor x = op::sample_tensor({2, 5}, 1, DType::f32);
  const Parameter weight(op::sample_tensor({4, 5}, 2, DType::f32));
  const Parameter bias(op::sample_tensor({5}, 3, DType::f32));
  const Parameter* weights[] = {&weight};
  const Parameter* wrong[] = {&bias};
  const Parameter* two[] = {nullptr, nullptr};
  EXPECT_EQ(refused([&] { op::linear(engine.context, x, weights, wrong); }),
            "bad_shape: linear: weight (4, 5), bias (5)");
  EXPECT_EQ(refused([&] { op::linear(engine.context, x, weights, two); }),
            "bad_shape: linear: 1 weights, 2 biases");
  const Tensor vector = op::sample_tensor({5}, 4, DType::f32);
  EXPECT_EQ(refused([&] { op::layer_norm(engine.context, x, vector, weight.value, 1e-5); }),
            "bad_shape: layer_norm: x (2, 5), weight (5), bias (4, 5)");
  EXPECT_EQ(refused([&] { op::soft_cap(engine.context, x, 0); }),
            "bad_argument: soft_cap: a cap of 0, expected above 0");
}

}  // namespace
}  // namespace pomona
