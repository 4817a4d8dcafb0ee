// What the readers of the application file's tables have in common.
#pragma once
#include <string>
#include <string_view>

#include "base/text.h"
#include "base/toml.h"

namespace pomona::lifecycle {

/// The text of a key that must be there and hold more than white space.
inline std::string filled(const TomlTable& table, std::string_view key) {
  std::string value = table.get<std::string>(key);
  if (trim(value).empty()) table.reject(key, "is empty");
  return value;
}

/// `value`, which stands under `key`, if it is within the bounds.
template <class T>
T ranged(const TomlTable& table, std::string_view key, T value, T low, T high) {
  if (!(value >= low && value <= high))
    table.reject(key, "{} is outside {} to {}", value, low, high);
  return value;
}

}  // namespace pomona::lifecycle
