// The frequencies of rotary positions (Su et al. 2021, arXiv:2104.09864, eq. 15), and how they are
// stretched for texts longer than a model was trained on.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace pomona::nn {

/// linear: Chen et al. 2023, arXiv:2306.15595. yarn: Peng et al. 2023, arXiv:2309.00071. longrope:
/// Ding et al. 2024, arXiv:2402.13753. llama3: Grattafiori et al. 2024, arXiv:2407.21783, as Llama
/// 3.1's reference code has it.
enum class RopeType { plain, linear, llama3, yarn, longrope };

/// Fields carry config.json's names; the defaults are those of the hub.
struct RopeConfig {
  std::int64_t rotary_dim = 0;  // values of a head that turn: int(head_dim * partial_rotary_factor)
  double rope_theta = 10000;
  RopeType rope_type = RopeType::plain;
  double factor = 1;                            // how much longer texts become
  double original_max_position_embeddings = 0;  // llama3, yarn, longrope
  double low_freq_factor = 1;                   // llama3
  double high_freq_factor = 4;
  double beta_fast = 32;  // yarn
  double beta_slow = 1;
  double mscale = 0;
  double mscale_all_dim = 0;
  bool truncate = true;
  std::optional<double> attention_factor = {};  // yarn, longrope; else worked out
  /// (rotary_dim / 2), each divides its frequency: longrope's short_factor or, for a context beyond
  /// the original one, long_factor; rope_freqs.weight of GGUF. Empty: all are 1.
  std::vector<double> frequency_factors = {};
};

/// What op::rope_angles takes.
struct RopeFrequencies {
  std::vector<double> per_position;  // (rotary_dim / 2), radians
  double attention_factor = 1;       // of cosines and sines
};

/// Throws bad_argument for values that cannot be: an odd or no size, a number that must be above 0.
RopeFrequencies rope_frequencies(const RopeConfig& config);

/// "default", "linear", "llama3", "yarn", "longrope" and its old name "su", GGUF's "none"; throws
/// unsupported.
RopeType parse_rope_type(std::string_view name);

}  // namespace pomona::nn
