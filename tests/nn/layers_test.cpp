// The shared modules with everything that families vary, against plain loops in f64.
#include "nn/layers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/support/engine.h"

namespace pomona::nn {
namespace {

using test::Engine;

using Rows = std::vector<std::vector<double>>;

Rows rows_of(const Tensor& x) {
  Rows rows;
  for (std::int64_t t = 0; t < x.size(0); ++t) {
    const float* const row = x.data<float>() + t * x.stride(0);
    rows.emplace_back(row, row + x.size(1));
  }
  return rows;
}

Parameter parameter(Shape shape, std::uint64_t stream) {
  return Parameter(op::sample_tensor(shape, stream, DType::f32));
}

Linear random_linear(std::int64_t N, std::int64_t K, std::uint64_t stream, bool biased) {
  Linear map;
  map.weight = parameter({N, K}, stream);
  if (biased) map.bias = parameter({N}, stream + 100);
  return map;
}

Rows linear(const Linear& map, const Rows& x) {
  const Rows weight = rows_of(map.weight.value);
  Rows y;
  for (const auto& row : x) {
    y.emplace_back();
    for (std::size_t n = 0; n < weight.size(); ++n) {
      double sum = map.bias ? static_cast<double>(map.bias->value.data<float>()[n]) : 0;
      for (std::size_t k = 0; k < row.size(); ++k) sum += row[k] * weight[n][k];
      y.back().push_back(sum);
    }
  }
  return y;
}

void expect_close(const Tensor& got, const Rows& want) {
  double largest = 0, worst = 0;
  const Rows rows = rows_of(got);
  ASSERT_EQ(rows.size(), want.size());
  for (std::size_t t = 0; t < want.size(); ++t) {
    ASSERT_EQ(rows[t].size(), want[t].size());
    for (std::size_t d = 0; d < want[t].size(); ++d) {
      largest = std::max(largest, std::fabs(want[t][d]));
      worst = std::max(worst, std::fabs(rows[t][d] - want[t][d]));
    }
  }
  EXPECT_LE(worst, 1e-5 * largest);  // a hundred roundings of 6e-8
}

/// As the f64 loops see one head: normalised, turned by `angles` (R/2 per row), then as it is.
void place(double* head, std::size_t E, const RmsNorm& norm, const std::vector<double>& angles) {
  double squares = 0;
  for (std::size_t e = 0; e < E; ++e) squares += head[e] * head[e];
  for (std::size_t e = 0; e < E; ++e) {
    head[e] /= std::sqrt(squares / static_cast<double>(E) + norm.eps);
    head[e] *= static_cast<double>(norm.weight.value.data<float>()[e]);
  }
  const std::size_t half = angles.size();
  for (std::size_t i = 0; i < half; ++i) {
    const double a = head[i], b = head[half + i];
    head[i] = a * std::cos(angles[i]) - b * std::sin(angles[i]);
    head[half + i] = b * std::cos(angles[i]) + a * std::sin(angles[i]);
  }
}

TEST(Layers, AttentionWithEverything) {
  constexpr std::size_t T = 9, H = 4, G = 2, E = 8, D = 24;
  const std::vector<double> frequencies = {1, 0.3};  // 4 of 8 values of a head turn
  Attention attention;
  attention.H = H, attention.G = G, attention.E = E;
  attention.options = {.scale = 0.4, .window = 5, .softcap = 1.5};
  attention.q_proj = random_linear(H * E, D, 1, true);
  attention.k_proj = random_linear(G * E, D, 2, true);
  attention.v_proj = random_linear(G * E, D, 3, false);
  attention.o_proj = random_linear(D, H * E, 4, true);
  attention.q_norm = RmsNorm{parameter({E}, 5), 1e-3};
  attention.k_norm = RmsNorm{parameter({E}, 6), 1e-3};
  std::vector<std::string> names;
  each_parameter(attention, "a",
                 [&](const std::string& name, Parameter&) { names.push_back(name); });
  EXPECT_EQ(names,
            (std::vector<std::string>{"a.q_proj.weight", "a.q_proj.bias", "a.k_proj.weight",
                                      "a.k_proj.bias", "a.v_proj.weight", "a.o_proj.weight",
                                      "a.o_proj.bias", "a.q_norm.weight", "a.k_norm.weight"}));

  const Tensor x = op::sample_tensor({T, D}, 7, DType::f32);
  Rows q = linear(attention.q_proj, rows_of(x)), k = linear(attention.k_proj, rows_of(x));
  const Rows v = linear(attention.v_proj, rows_of(x));
  Rows heads(T, std::vector<double>(H * E));
  for (std::size_t t = 0; t < T; ++t) {
    std::vector<double> angles;
    for (const double frequency : frequencies) angles.push_back(static_cast<double>(t) * frequency);
    for (std::size_t h = 0; h < H; ++h) place(&q[t][h * E], E, *attention.q_norm, angles);
    for (std::size_t g = 0; g < G; ++g) place(&k[t][g * E], E, *attention.k_norm, angles);
    for (std::size_t h = 0; h < H; ++h) {
      const std::size_t kv = h / 2 * E;
      double sum = 0;
      for (std::size_t s = t < 4 ? 0 : t - 4; s <= t; ++s) {
        double score = 0;
        for (std::size_t e = 0; e < E; ++e) score += 0.4 * q[t][h * E + e] * k[s][kv + e];
        const double weight = std::exp(1.5 * std::tanh(score / 1.5));
        sum += weight;
        for (std::size_t e = 0; e < E; ++e) heads[t][h * E + e] += weight * v[s][kv + e];
      }
      for (std::size_t e = 0; e < E; ++e) heads[t][h * E + e] /= sum;
    }
  }
  Rows want = linear(attention.o_proj, heads);

  Engine engine;
  engine.context.compute = Compute::f32;
  Batch batch;
  batch.append(std::vector<std::int32_t>(T), 0, nullptr, Batch::Logits::none);
  const BatchState state{batch, op::rope_angles(engine.context, batch.positions, frequencies), {T}};
  expect_close(attention(engine.context, x, state, 0), want);
  const Tensor residual = op::sample_tensor({T, D}, 8, DType::f32);
  const Rows before = rows_of(residual);
  for (std::size_t t = 0; t < T; ++t) {
    for (std::size_t d = 0; d < D; ++d) want[t][d] += before[t][d];
  }
  expect_close(attention(engine.context, residual, x, state, 0), want);
}

TEST(Layers, GatedMlpWithGelu) {
  GatedMlp mlp;
  mlp.gate_proj = random_linear(40, 24, 1, false);
  mlp.up_proj = random_linear(40, 24, 2, true);
  mlp.down_proj = random_linear(24, 40, 3, true);
  mlp.activation = op::Activation::gelu_erf;
  const Tensor x = op::sample_tensor({5, 24}, 4, DType::f32);
  Rows inner = linear(mlp.gate_proj, rows_of(x));
  const Rows up = linear(mlp.up_proj, rows_of(x));
  for (std::size_t t = 0; t < inner.size(); ++t) {
    for (std::size_t f = 0; f < inner[t].size(); ++f)
      inner[t][f] *= 0.5 * std::erfc(-inner[t][f] * std::sqrt(0.5)) * up[t][f];
  }
  const Rows want = linear(mlp.down_proj, inner);
  Engine engine;
  engine.context.compute = Compute::f32;
  expect_close(mlp(engine.context, x), want);
  expect_close(mlp(engine.context, Tensor::zeros({5, 24}, DType::f32), x), want);
}

}  // namespace
}  // namespace pomona::nn
