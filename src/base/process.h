// Runs another program and waits for it.
#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/progress.h"

namespace pomona {

struct ProcessOptions {
  /// NAME=value entries added to, or replacing those of, the environment of this process.
  std::vector<std::string> environment;
  /// Called about ten times a second while the program runs.
  std::function<void()> on_tick;
  const StopToken* stop = nullptr;
};

struct ProcessResult {
  /// The exit code; 128 + the signal's number if a signal ended it.
  int exit_code = 0;
  /// The end (64 KiB at most) of what it wrote to standard output and standard error together.
  std::string output;
};

/// Runs `arguments[0]` (found through PATH) with no standard input. A stop request ends it
/// and what it started with SIGTERM, after two seconds SIGKILL, and throws cancelled. Throws
/// not_found if there is no such program, io.
ProcessResult run_process(const std::vector<std::string>& arguments,
                          const ProcessOptions& options = {});

}  // namespace pomona
