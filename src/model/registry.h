// The architectures that Pomona reads.
#pragma once
#include <filesystem>
#include <memory>
#include <string_view>

#include "model/causal_lm.h"
#include "model/checkpoint.h"

namespace pomona::model {

struct Architecture {
  std::string_view name;  // general.architecture in GGUF, model_type in config.json
  std::unique_ptr<CausalLm> (*load)(const Checkpoint& checkpoint);
  std::string_view hub_class;       // of transformers: "architectures" in config.json
  std::string_view hub_name = {};   // model_type of the text model, where it is another
  std::string_view gguf_name = {};  // general.architecture, where it is another

  std::string_view in(Names names) const {
    const std::string_view other = names == Names::gguf ? gguf_name : hub_name;
    return other.empty() ? name : other;
  }
};

/// Throws unsupported, naming `path` and what is read.
const Architecture& find_architecture(std::string_view name, const std::filesystem::path& path);

}  // namespace pomona::model
