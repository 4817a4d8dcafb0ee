// Reads a run file; the fuzzer and the replay of its corpus share it.
#pragma once
#include <filesystem>

#include "tests/support/exercise.h"
#include "train/run_file.h"

namespace pomona::train {

/// True if the file is accepted, false if an Error says why not.
inline bool exercise_run_file(const std::filesystem::path& path) {
  return test::ends_well([&] { settings_of(read_run_file(path)); });
}

}  // namespace pomona::train
