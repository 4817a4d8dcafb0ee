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
  std::string_view also = {};  // another name of it, where the two kinds of files differ
};

/// Throws unsupported, naming `path` and what is read.
const Architecture& find_architecture(std::string_view name, const std::filesystem::path& path);

}  // namespace pomona::model
