// The whole program behind main(): finds the command, runs it, turns errors into a sentence and an
// exit code.
#pragma once
#include <string>
#include <vector>

namespace pomona::cli {

/// `words`: the command line without the program's name. Returns the exit code (contract.md).
int run_program(const std::vector<std::string>& words);

}  // namespace pomona::cli
