// Gemma 3 (Gemma Team 2025, arXiv:2503.19786, section 2): Gemma 2 with norms of queries and keys in
// place of soft caps, five layers with a window to one without, and faster rotation in the former.
// Of models that also see, the part that reads and writes text.
#include "model/gemma.h"

namespace pomona::model {
namespace {

/// Its config.json leaves out what is as in the 4B model, for which these are the values.
const Json& defaults() {
  static const Json values = {
      {"num_attention_heads", 8},
      {"num_key_value_heads", 4},
      {"head_dim", 256},
      {"max_position_embeddings", 131072},
      {"rms_norm_eps", 1e-6},
      {"query_pre_attn_scalar", 256},
      {"sliding_window", 4096},
      {"rope_theta", 1e6},
      {"rope_local_base_freq", 1e4},
  };
  return values;
}

/// Of a model with text_config: its text part, under the names of models without.
Checkpoint text_part(const Checkpoint& checkpoint) {
  const std::optional<Config> text = checkpoint.config.section("text_config");
  if (!text) return checkpoint;
  Checkpoint part = checkpoint.renamed([](const std::string& name) -> std::optional<std::string> {
    constexpr std::string_view kOld = "language_model.", kNew = "model.language_model.";
    if (name.starts_with(kNew)) return "model." + name.substr(kNew.size());
    if (name.starts_with(kOld)) return name.substr(kOld.size());
    if (name == "lm_head.weight") return name;
    return std::nullopt;
  });
  part.config = *text;
  return part;
}

nn::RopeConfig local_rope(const Checkpoint& checkpoint, std::int64_t head_dim) {
  const std::optional<Config> kinds = checkpoint.config.section("rope_parameters");
  if (kinds && kinds->has("sliding_attention"))
    return read_rope(checkpoint, head_dim, "sliding_attention");
  return {.rotary_dim = head_dim,
          .rope_theta = checkpoint.config.positive("rope_local_base_freq", 1e4)};
}

}  // namespace

std::unique_ptr<CausalLm> load_gemma3(const Checkpoint& stored) {
  constexpr std::int64_t kPeriod = 6;
  Checkpoint checkpoint = text_part(stored);
  if (!checkpoint.config.from_gguf())
    checkpoint.config = checkpoint.config.with_defaults(defaults());
  GemmaConfig config = GemmaConfig::from(checkpoint, kPeriod, kLayersOfLargestGemma3);
  config.qk_norm = true;
  config.local_rope = local_rope(checkpoint, config.head_dim);
  return load_gemma(checkpoint, config);
}

}  // namespace pomona::model
