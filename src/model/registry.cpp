#include "model/registry.h"

#include <array>
#include <string>

#include "base/error.h"
#include "base/quote.h"
#include "model/families.h"

namespace pomona::model {
namespace {

constexpr std::array kArchitectures = {
    Architecture{"gemma2", load_gemma2}, Architecture{"gemma3", load_gemma3, "gemma3_text"},
    Architecture{"gpt2", load_gpt2},     Architecture{"gpt_neox", load_gpt_neox, "gptneox"},
    Architecture{"llama", load_llama},   Architecture{"mistral", load_mistral},
    Architecture{"phi3", load_phi3},     Architecture{"qwen2", load_qwen2},
    Architecture{"qwen3", load_qwen3},
};

}  // namespace

const Architecture& find_architecture(std::string_view name, const std::filesystem::path& path) {
  std::string known;
  for (const Architecture& architecture : kArchitectures) {
    if (architecture.name == name || (!name.empty() && architecture.also == name))
      return architecture;
    known += (known.empty() ? "" : ", ") + std::string(architecture.name);
  }
  fail(ErrorKind::unsupported, "{}: architecture {} is not one that Pomona reads ({})",
       path.string(), quote_name(name), known);
}

}  // namespace pomona::model
