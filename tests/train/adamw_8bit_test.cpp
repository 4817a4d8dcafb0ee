// AdamW with states of 8 bits: what its codes keep, and how near it stays to AdamW.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/support/engine.h"
#include "train/block_codes.h"
#include "train/optimiser.h"

namespace pomona::train {
namespace {

/// Values of sizes from 2^-bits to 1, times `scale`.
std::vector<float> spread(int n, double bits, double scale, unsigned seed) {
  std::mt19937_64 draw(seed);
  std::uniform_real_distribution<double> power(-bits, 0);
  std::vector<float> values;
  for (int i = 0; i < n; ++i) values.push_back(static_cast<float>(scale * std::exp2(power(draw))));
  return values;
}

TEST(BlockCodes, MeansAreTheNearest) {
  for (const double scale : {1.0, 3e-9, 7e5}) {
    std::vector<float> values = spread(256, 6, scale, 1), decoded(256);
    for (std::size_t i = 0; i < 256; i += 2) values[i] = -values[i];
    std::vector<std::uint8_t> codes(256);
    const float largest = encode_means(values.data(), codes.data(), 256);
    decode_means(codes.data(), largest, decoded.data(), 256);
    // Four bits of fraction: half of a 16th, and the rounding of the scaling.
    for (std::size_t i = 0; i < 256; ++i)
      EXPECT_NEAR(decoded[i], values[i], std::fabs(values[i]) * (1.0 / 32 + 1e-6));
  }
}

TEST(BlockCodes, SquaresAreRightOnAverageAndNeverZero) {
  const std::vector<float> values = spread(255, 20, 1e-6, 2);
  std::vector<float> decoded(255);
  std::vector<double> sum(255);
  std::vector<std::uint8_t> codes(255);
  const int draws = 4000;
  float largest = 0;
  for (int draw = 0; draw < draws; ++draw) {
    const float scale = encode_squares(values.data(), codes.data(), 255,
                                       static_cast<std::uint32_t>(draw) * 0x9e3779b1u);
    largest = scale;
    decode_squares(codes.data(), scale, decoded.data(), 255);
    for (std::size_t i = 0; i < 255; ++i) {
      EXPECT_GT(decoded[i], 0);
      if (values[i] > scale * 0x1p-14f) {
        EXPECT_NEAR(decoded[i], values[i], values[i] / 15.9);
      }
      sum[i] += static_cast<double>(decoded[i]);
    }
  }
  // A value between two codes a 16th apart has a deviation of a 32nd at most: five times that of
  // the mean of the draws. Below 2^-17 the least code stands in for zero.
  for (std::size_t i = 0; i < 255; ++i) {
    if (values[i] > largest * 0x1p-14f) {
      EXPECT_NEAR(sum[i] / draws, values[i], values[i] * 5 / 32 / std::sqrt(draws));
    }
  }
}

TEST(BlockCodes, ZeroAndTinyBlocksAreZero) {
  const std::vector<float> values = {0, 1e-40f, 0};
  std::vector<std::uint8_t> codes(3, 9);
  std::vector<float> decoded(3, 9);
  decode_squares(codes.data(), encode_squares(values.data(), codes.data(), 3, 1), decoded.data(),
                 3);
  EXPECT_EQ(decoded, std::vector<float>(3));
  decode_means(codes.data(), encode_means(values.data(), codes.data(), 3), decoded.data(), 3);
  EXPECT_EQ(decoded, std::vector<float>(3));
}

double distance(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (std::int64_t i = 0; i < a.elements(); ++i) {
    const double d =
        static_cast<double>(a.data<float>()[i]) - static_cast<double>(b.data<float>()[i]);
    sum += d * d;
  }
  return std::sqrt(sum);
}

/// One tensor of 64 x 100 from zero, `steps` steps along gradients with a mean and noise.
Tensor after(OptimiserKind kind, bool exact_state, int steps) {
  const test::Engine engine;
  OptimiserSettings settings;
  settings.kind = kind;
  std::vector<Trainable> one = {{"w", Tensor::zeros({64, 100}), Tensor::zeros({64, 100})}};
  one[0].exact_state = exact_state;
  const auto optimiser = make_optimiser(settings, one);
  std::mt19937_64 bits(5);
  std::normal_distribution<float> draw(0, 1);
  std::vector<float> mean(6400), size(6400);
  for (std::size_t i = 0; i < 6400; ++i) {
    mean[i] = draw(bits);
    size[i] = std::exp(draw(bits));
  }
  for (int step = 0; step < steps; ++step) {
    for (std::size_t i = 0; i < 6400; ++i)
      one[0].gradient.data<float>()[i] = size[i] * (0.3f * mean[i] + draw(bits));
    optimiser->step(engine.context, one, 1e-3);
  }
  return one[0].value;
}

TEST(AdamW8Bit, StaysNearAdamW) {
  for (const int steps : {1, 10, 300}) {
    const Tensor exact = after(OptimiserKind::adamw, false, steps);
    const Tensor coded = after(OptimiserKind::adamw_8bit, false, steps);
    // The first step knows no code. Then each mean is off by at most 1/32, which ten steps add up
    // to 1/32 / sqrt(1 - 0.81); a mean of squares wanders between codes a 16th apart by
    // sqrt(1/16 * 0.001) in a step, which adds up to sqrt(1/16 / 2): 18 %, half of that in its
    // root.
    const double apart = distance(coded, exact) / distance(exact, Tensor::zeros({64, 100}));
    EXPECT_LE(apart, steps == 1 ? 0 : 0.12) << steps;
    RecordProperty("apart_after_" + std::to_string(steps), std::to_string(apart));
  }
}

TEST(AdamW8Bit, ExactStateIsAdamW) {
  EXPECT_EQ(
      distance(after(OptimiserKind::adamw, false, 20), after(OptimiserKind::adamw_8bit, true, 20)),
      0);
}

TEST(AdamW8Bit, TakesAQuarterOfTheBytes) {
  OptimiserSettings settings;
  settings.kind = OptimiserKind::adamw_8bit;
  EXPECT_EQ(state_bytes(settings, {64, 100}, false), 2 * (6400 + 25 * 4));
  EXPECT_EQ(state_bytes(settings, {64, 100}, true), 2 * 4 * 6400);
  EXPECT_EQ(state_bytes(settings, {63, 65}, false), 2 * 4 * 63 * 65);  // below 4096 values
}

}  // namespace
}  // namespace pomona::train
