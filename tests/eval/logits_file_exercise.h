// Parses bytes as a file of log probabilities and reads all of it; the fuzzer and the replay of its
// corpus share it.
#pragma once
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "eval/logits_file.h"
#include "tests/support/exercise.h"

namespace pomona::eval {

/// True if the bytes are a file Pomona accepts, false if an Error says why not.
inline bool exercise_logits_file(std::span<const std::byte> bytes) {
  const std::vector<std::byte> aligned(bytes.begin(), bytes.end());
  return test::ends_well([&] {
    const LogitsFile file(aligned, "fuzz");
    for (std::int64_t c = 0; c < file.chunks(); ++c) {
      if (file.tokens(c).back() >= file.vocabulary()) fail(ErrorKind::internal, "a token too far");
      for (std::int64_t i = 0; i < count_scored(file.context()); ++i) {
        const float last = file.row(c, i).logprob(static_cast<std::size_t>(file.vocabulary() - 1));
        if (std::isnan(last)) fail(ErrorKind::internal, "no number");
      }
    }
  });
}

}  // namespace pomona::eval
