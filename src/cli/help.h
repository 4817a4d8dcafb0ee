// The texts that teach: the overview, and the page of a command.
#pragma once
#include <cstddef>
#include <string>

#include "cli/command.h"

namespace pomona::cli {

/// What `pomona` alone says: what it is, what to type first, and the commands.
std::string overview(std::size_t columns);

/// What `pomona COMMAND --help` says.
std::string help_page(const Command& command, std::size_t columns);

/// "pomona 0.1.0 (avx512, 2 threads)".
std::string version_line();

}  // namespace pomona::cli
