#include "nn/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.h"
#include "base/quote.h"

namespace pomona::nn {
namespace {

void check_above_zero(std::string_view name, double value) {
  if (!(value > 0) || !std::isfinite(value))
    fail(ErrorKind::bad_argument, "rope: {} is {}, expected a number above 0", name, value);
}

void check(const RopeConfig& config) {
  if (config.rotary_dim <= 0 || config.rotary_dim % 2 != 0)
    fail(ErrorKind::bad_argument, "rope: {} values of a head turn, expected an even number",
         config.rotary_dim);
  check_above_zero("rope_theta", config.rope_theta);
  check_above_zero("factor", config.factor);
  const bool knows_original =
      config.rope_type == RopeType::plain || config.rope_type == RopeType::linear;
  if (!knows_original)
    check_above_zero("original_max_position_embeddings", config.original_max_position_embeddings);
  const auto half = static_cast<std::size_t>(config.rotary_dim / 2);
  if (!config.frequency_factors.empty() && config.frequency_factors.size() != half)
    fail(ErrorKind::bad_argument, "rope: {} factors for {} frequencies",
         config.frequency_factors.size(), half);
  for (const double factor : config.frequency_factors) check_above_zero("a factor", factor);
}

/// Waves longer than the original context / low_freq_factor are stretched, those shorter than it /
/// high_freq_factor stay, and those between get some of both.
double llama3(const RopeConfig& config, double frequency) {
  const double turns = config.original_max_position_embeddings * frequency / (2 * std::numbers::pi);
  const double smooth = std::clamp(
      (turns - config.low_freq_factor) / (config.high_freq_factor - config.low_freq_factor), 0.0,
      1.0);
  return (1 - smooth) * frequency / config.factor + smooth * frequency;
}

/// The place i (not rounded) of the frequency that turns `rotations` times within the original
/// context (arXiv:2309.00071, section 3.2, solved for i).
double yarn_place(const RopeConfig& config, double rotations) {
  return static_cast<double>(config.rotary_dim) *
         std::log(config.original_max_position_embeddings / (rotations * 2 * std::numbers::pi)) /
         (2 * std::log(config.rope_theta));
}

/// Frequencies before place `low` stay, those behind `high` are stretched, a ramp lies between.
void yarn(const RopeConfig& config, std::vector<double>& frequencies) {
  double low = yarn_place(config, config.beta_fast), high = yarn_place(config, config.beta_slow);
  if (config.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(config.rotary_dim - 1));
  if (low == high) high += 0.001;  // as the reference does: a step then
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    const double ramp = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    frequencies[i] *= ramp / config.factor + 1 - ramp;
  }
}

/// arXiv:2309.00071, eq. 22, squared in the product of queries and keys.
double yarn_attention(double factor, double mscale) {
  return factor <= 1 ? 1 : 0.1 * mscale * std::log(factor) + 1;
}

double attention_factor(const RopeConfig& config) {
  if (config.rope_type == RopeType::yarn) {
    if (config.attention_factor) return *config.attention_factor;
    if (config.mscale != 0 && config.mscale_all_dim != 0)
      return yarn_attention(config.factor, config.mscale) /
             yarn_attention(config.factor, config.mscale_all_dim);
    return yarn_attention(config.factor, 1);
  }
  if (config.rope_type == RopeType::longrope) {
    if (config.attention_factor) return *config.attention_factor;
    if (config.factor > 1)
      return std::sqrt(1 +
                       std::log(config.factor) / std::log(config.original_max_position_embeddings));
  }
  return 1;
}

}  // namespace

RopeFrequencies rope_frequencies(const RopeConfig& config) {
  check(config);
  RopeFrequencies result;
  const auto R = static_cast<double>(config.rotary_dim);
  for (std::int64_t i = 0; i < config.rotary_dim / 2; ++i) {
    double frequency = std::pow(config.rope_theta, -2.0 * static_cast<double>(i) / R);
    if (!config.frequency_factors.empty())
      frequency /= config.frequency_factors[static_cast<std::size_t>(i)];
    if (config.rope_type == RopeType::linear) frequency /= config.factor;
    if (config.rope_type == RopeType::llama3) frequency = llama3(config, frequency);
    result.per_position.push_back(frequency);
  }
  if (config.rope_type == RopeType::yarn) yarn(config, result.per_position);
  result.attention_factor = attention_factor(config);
  return result;
}

RopeType parse_rope_type(std::string_view name) {
  if (name == "default" || name == "none") return RopeType::plain;
  if (name == "linear") return RopeType::linear;
  if (name == "llama3") return RopeType::llama3;
  if (name == "yarn") return RopeType::yarn;
  if (name == "longrope" || name == "su") return RopeType::longrope;
  fail(ErrorKind::unsupported,
       "rope: the type {} is not known; known are default, linear, llama3, yarn, longrope",
       quote_name(name));
}

}  // namespace pomona::nn
