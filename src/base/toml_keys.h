// What the readers of TOML files have in common: values that must say something, lie between
// bounds, or be one of a list.
#pragma once
#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "base/toml.h"

namespace pomona {

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

/// Rejects `value`, which stands under `key`, unless it is one of `known`; `what` says what they
/// are ("method").
template <class List>
void check_known(const TomlTable& table, std::string_view key, std::string_view value,
                 const List& known, std::string_view what) {
  const std::vector<std::string> names(std::begin(known), std::end(known));
  if (std::count(names.begin(), names.end(), value) > 0) return;
  const auto meant = nearest(value, names);
  table.reject(key, "\"{}\" is no {}{}; there are: {}", value, what,
               meant ? fmt::format(", did you mean \"{}\"?", *meant) : "", fmt::join(names, ", "));
}

}  // namespace pomona
