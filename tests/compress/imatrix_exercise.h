// Reads an importance matrix of either kind; the fuzzer and the replay of its corpus share it.
#pragma once
#include <cmath>
#include <filesystem>
#include <stdexcept>

#include "compress/imatrix.h"
#include "tests/support/exercise.h"

namespace pomona::compress {

/// True if the file is accepted, false if an Error says why not. What it has for the tensor "w"
/// must be what a mean of squares can be.
inline bool exercise_imatrix(const std::filesystem::path& path) {
  return test::ends_well([&] {
    const ImportanceMatrix importance(path);
    if (importance.size() == 0) throw std::logic_error("an importance matrix of nothing");
    for (const float value : importance.of("w", 4))
      if (!(value >= 0) || !std::isfinite(value)) throw std::logic_error("no mean of squares");
  });
}

}  // namespace pomona::compress
