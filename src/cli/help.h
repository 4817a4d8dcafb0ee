// The texts that teach: the overview, and the page of a command.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "cli/command.h"

namespace pomona::cli {

/// What `pomona` alone says: what it is, what to type first, and the commands. `program` is how the
/// user started it.
std::string overview(std::size_t columns, std::string_view program);

/// What `pomona COMMAND --help` says.
std::string help_page(const Command& command, std::size_t columns, std::string_view program);

/// "pomona 0.1.0 (avx512, 2 threads)".
std::string version_line();

}  // namespace pomona::cli
