// Text that a user gives a model to read.
#pragma once
#include <string>
#include <string_view>

#include "cli/console.h"

namespace pomona::cli {

/// `text` with every maximal ill-formed subpart of UTF-8 replaced by U+FFFD (Unicode 15, section
/// 3.9), and a note that says where the first one was. `what`: "generate: the prompt".
std::string well_formed(std::string text, std::string_view what, Console& console);

}  // namespace pomona::cli
