// The whole program behind main(): finds the command, runs it, turns errors into a sentence and an
// exit code.
#pragma once
#include <string>
#include <vector>

namespace pomona::cli {

/// `started_as`: the program's name on the command line; `words`: what stands behind it. Returns
/// the exit code (contract.md).
int run_program(const std::string& started_as, const std::vector<std::string>& words);

}  // namespace pomona::cli
