#include "model/registry.h"

#include <array>
#include <string>

#include "base/error.h"
#include "base/quote.h"
#include "model/families.h"

namespace pomona::model {
namespace {

constexpr std::array kArchitectures = {
    Architecture{"gemma2", load_gemma2, "Gemma2ForCausalLM"},
    Architecture{"gemma3", load_gemma3, "Gemma3ForCausalLM", "gemma3_text"},
    Architecture{"gpt2", load_gpt2, "GPT2LMHeadModel"},
    Architecture{"gpt_neox", load_gpt_neox, "GPTNeoXForCausalLM", "", "gptneox"},
    Architecture{"llama", load_llama, "LlamaForCausalLM"},
    Architecture{"mistral", load_mistral, "MistralForCausalLM", "", "llama"},
    Architecture{"phi3", load_phi3, "Phi3ForCausalLM"},
    Architecture{"qwen2", load_qwen2, "Qwen2ForCausalLM"},
    Architecture{"qwen3", load_qwen3, "Qwen3ForCausalLM"},
};

}  // namespace

const Architecture& find_architecture(std::string_view name, const std::filesystem::path& path) {
  std::string known;
  for (const Architecture& architecture : kArchitectures) {
    // Of those that share GGUF's name, the first is the one that reads them all.
    if (name == architecture.name || name == architecture.in(Names::hub) ||
        name == architecture.in(Names::gguf))
      return architecture;
    known += (known.empty() ? "" : ", ") + std::string(architecture.name);
  }
  fail(
      ErrorKind::unsupported,
      "{}: architecture {} is not one that Pomona reads ({}); one that is wired like these takes a "
      "file of 15 to 200 lines, which docs/architecture.md shows",
      path.string(), quote_name(name), known);
}

}  // namespace pomona::model
