// Parses text as the index of a checkpoint in several files; the fuzzer and the replay of its
// corpus share it.
#pragma once
#include <cstddef>
#include <string_view>

#include "store/shard_index.h"
#include "tests/support/exercise.h"

namespace pomona::store {

/// True if the text is an index Pomona accepts, false if an Error says why not. What it accepts
/// must name files without a way out of the folder; anything else ends the process.
inline bool exercise_shard_index(std::string_view text) {
  return test::ends_well([&] {
    for (const auto& [tensor, file] : parse_shard_index(text, "fuzz").file_of)
      if (file.empty() || file.front() == '.' || file.find('/') != std::string::npos)
        fail(ErrorKind::internal, "a way out: {}", file);
  });
}

}  // namespace pomona::store
