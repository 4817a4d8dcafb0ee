// Frequencies of stretched rotary positions against transformers' modeling_rope_utils.
#include "nn/rope.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/golden.h"
#include "tests/support/refused.h"

namespace pomona::nn {
namespace {

using golden::Golden;
using test::refused;

RopeConfig config_of(const Json& facts, std::int64_t head_dim) {
  const auto number = [&](const char* key, double fallback) {
    return facts.contains(key) ? facts[key].get<double>() : fallback;
  };
  RopeConfig config;
  config.rotary_dim =
      static_cast<std::int64_t>(static_cast<double>(head_dim) * number("partial_rotary_factor", 1));
  config.rope_type = parse_rope_type(facts["rope_type"].get<std::string>());
  config.rope_theta = number("rope_theta", 0);
  config.factor = number("factor", 0);
  config.original_max_position_embeddings = number("original_max_position_embeddings", 0);
  config.low_freq_factor = number("low_freq_factor", config.low_freq_factor);
  config.high_freq_factor = number("high_freq_factor", config.high_freq_factor);
  config.beta_fast = number("beta_fast", config.beta_fast);
  config.beta_slow = number("beta_slow", config.beta_slow);
  config.mscale = number("mscale", 0);
  config.mscale_all_dim = number("mscale_all_dim", 0);
  if (facts.contains("truncate")) config.truncate = facts["truncate"].get<bool>();
  if (facts.contains("attention_factor"))
    config.attention_factor = facts["attention_factor"].get<double>();
  return config;
}

/// The reference works in f32: a power, a division and a ramp.
void expect_near(const std::vector<double>& got, const std::vector<double>& want) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    EXPECT_NEAR(got[i], want[i], 1e-6 * std::fabs(want[i])) << i;
}

TEST(RopeScaling, AgreesWithTheReference) {
  const Golden reference("rope_scaling");
  const Json& facts = reference.facts();
  const auto head_dim = facts["head_dim"].get<std::int64_t>();
  for (std::size_t i = 0; i < facts["cases"].size(); ++i) {
    const Json& one = facts["cases"][i];
    SCOPED_TRACE(one.dump());
    RopeConfig config = config_of(one, head_dim);
    if (one.contains("short_factor"))
      config.frequency_factors = one["short_factor"].get<std::vector<double>>();
    const RopeFrequencies got = rope_frequencies(config);
    expect_near(got.per_position, reference.numbers("inverse." + std::to_string(i)));
    EXPECT_NEAR(got.attention_factor, facts["attention_factors"][i].get<double>(), 1e-12);
    if (one.contains("long_factor")) {
      config.frequency_factors = one["long_factor"].get<std::vector<double>>();
      expect_near(rope_frequencies(config).per_position,
                  reference.numbers("long." + std::to_string(i)));
    }
  }
}

TEST(RopeScaling, OfNothingIsThePlainSeries) {
  const RopeFrequencies got = rope_frequencies({.rotary_dim = 8, .rope_theta = 16});
  EXPECT_EQ(got.per_position, (std::vector<double>{1, 0.5, 0.25, 0.125}));
  EXPECT_EQ(got.attention_factor, 1);
  EXPECT_EQ(rope_frequencies({.rotary_dim = 4, .rope_theta = 16, .frequency_factors = {1, 8}})
                .per_position,
            (std::vector<double>{1, 0.03125}));
}

TEST(RopeScaling, RefusesWhatCannotBe) {
  EXPECT_EQ(refused([] { rope_frequencies({.rotary_dim = 7}); }),
            "bad_argument: rope: 7 values of a head turn, expected an even number");
  EXPECT_EQ(refused([] { rope_frequencies({.rotary_dim = 8, .rope_theta = 0}); }),
            "bad_argument: rope: rope_theta is 0, expected a number above 0");
  EXPECT_EQ(
      refused([] {
        rope_frequencies({.rotary_dim = 8, .rope_type = RopeType::linear, .factor = std::nan("")});
      }),
      "bad_argument: rope: factor is nan, expected a number above 0");
  EXPECT_EQ(refused([] { rope_frequencies({.rotary_dim = 8, .rope_type = RopeType::yarn}); }),
            "bad_argument: rope: original_max_position_embeddings is 0, expected a number above 0");
  EXPECT_EQ(refused([] { rope_frequencies({.rotary_dim = 8, .frequency_factors = {1, 1}}); }),
            "bad_argument: rope: 2 factors for 4 frequencies");
  EXPECT_EQ(
      refused([] { parse_rope_type("dynamic"); }),
      "unsupported: rope: the type \"dynamic\" is not known; known are default, linear, llama3, "
      "yarn, longrope");
}

}  // namespace
}  // namespace pomona::nn
