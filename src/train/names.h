// Names of choices in settings, read with a suggestion.
#pragma once
#include <cstddef>
#include <span>
#include <string_view>

namespace pomona::train {

/// Where `name` stands in `names`. Throws bad_argument, `WHAT "NAME" is unknown: ...`, with the
/// nearest name or all of them.
std::size_t index_of(std::string_view name, std::span<const std::string_view> names,
                     std::string_view what);

}  // namespace pomona::train
