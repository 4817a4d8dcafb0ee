// The architectures that Pomona reads.
#pragma once
#include <filesystem>
#include <memory>
#include <string_view>

#include "model/causal_lm.h"
#include "store/gguf.h"

namespace pomona::model {

struct Architecture {
  std::string_view name;  // general.architecture in GGUF
  std::unique_ptr<CausalLm> (*load)(const store::GgufFile& file);
};

/// Throws unsupported, naming `path` and what is read.
const Architecture& find_architecture(std::string_view name, const std::filesystem::path& path);

}  // namespace pomona::model
