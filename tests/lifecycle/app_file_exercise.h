// Reads an application file; the fuzzer and the replay of its corpus share it.
#pragma once
#include <filesystem>

#include "lifecycle/app_file.h"
#include "tests/support/exercise.h"

namespace pomona::lifecycle {

/// True if the file is accepted, false if an Error says why not.
inline bool exercise_app_file(const std::filesystem::path& path) {
  return test::ends_well([&] { read_app_file(path); });
}

}  // namespace pomona::lifecycle
