#include "convert/gguf_keys.h"

namespace pomona::convert {

void GgufKeys::texts(std::string key, std::vector<std::string> values) {
  const std::vector<std::string>& kept = lists_.emplace_back(std::move(values));
  entries_.emplace_back(std::move(key), store::gguf_array({kept.begin(), kept.end()}));
}

store::GgufMetadata GgufKeys::metadata(const std::string& origin) const {
  store::GgufMetadata metadata(origin);
  for (const auto& [key, value] : entries_) metadata.add(key, value);
  return metadata;
}

}  // namespace pomona::convert
