// The JSON header of safetensors files, checked for form only.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "store/safetensors.h"

namespace pomona::store {

/// What the header says about one tensor.
struct SafetensorsEntry {
  std::string name, dtype;
  std::vector<std::uint64_t> shape;
  std::uint64_t begin = 0, end = 0;  // of its values, from the start of all values
};

struct SafetensorsHeader {
  TextPairs metadata;
  std::vector<SafetensorsEntry> entries;  // in the header's order
};

/// `text` stands at byte 8 of the file `origin`. Throws bad_file: not JSON, keys that are missing,
/// repeated or unknown, values of other types.
SafetensorsHeader parse_safetensors_header(std::string_view text, const std::string& origin);

}  // namespace pomona::store
