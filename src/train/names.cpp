#include "train/names.h"

#include <fmt/ranges.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "base/text.h"

namespace pomona::train {

std::size_t index_of(std::string_view name, std::span<const std::string_view> names,
                     std::string_view what) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return i;
  }
  const std::vector<std::string> candidates(names.begin(), names.end());
  if (const auto near = nearest(name, candidates))
    fail(ErrorKind::bad_argument, "{} \"{}\" is unknown; did you mean \"{}\"?", what, name, *near);
  fail(ErrorKind::bad_argument, "{} \"{}\" is unknown; there are {}", what, name,
       fmt::join(candidates, ", "));
}

}  // namespace pomona::train
