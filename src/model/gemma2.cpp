// Gemma 2 (Gemma Team 2024, arXiv:2408.00118, section 2): soft caps on scores and logits, and a
// window in every other layer, the first included.
#include "model/gemma.h"

namespace pomona::model {

std::unique_ptr<CausalLm> load_gemma2(const Checkpoint& stored) {
  constexpr std::int64_t kPeriod = 2;
  Checkpoint checkpoint = stored;
  checkpoint.config = checkpoint.config.with_defaults({{"sliding_window", 4096},
                                                       {"query_pre_attn_scalar", 256},
                                                       {"attn_logit_softcapping", 50.0},
                                                       {"final_logit_softcapping", 30.0}});
  return load_gemma(checkpoint, GemmaConfig::from(checkpoint, kPeriod, kLayersOfLargestGemma2));
}

}  // namespace pomona::model
