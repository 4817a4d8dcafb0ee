// What `--set KEY=VALUE` gives a file of settings.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pomona::cli {

/// Keys and values. Throws bad_argument, `COMMAND: --set takes KEY=VALUE, got "TEXT"`.
std::vector<std::pair<std::string, std::string>> assignments(std::string_view command,
                                                             const std::vector<std::string>& set);

}  // namespace pomona::cli
