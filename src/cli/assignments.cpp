#include "cli/assignments.h"

#include "base/error.h"

namespace pomona::cli {

std::vector<std::pair<std::string, std::string>> assignments(std::string_view command,
                                                             const std::vector<std::string>& set) {
  std::vector<std::pair<std::string, std::string>> parts;
  for (const std::string& assignment : set) {
    const std::size_t equals = assignment.find('=');
    if (equals == std::string::npos || equals == 0)
      fail(ErrorKind::bad_argument, "{}: --set takes KEY=VALUE, got \"{}\"", command, assignment);
    parts.emplace_back(assignment.substr(0, equals), assignment.substr(equals + 1));
  }
  return parts;
}

}  // namespace pomona::cli
