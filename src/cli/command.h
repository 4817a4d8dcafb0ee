// What a sub-command is: its help, what it takes, and what it does. One file each in commands/, one
// line each in commands.cpp.
#pragma once
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "cli/arguments.h"
#include "cli/console.h"

namespace pomona::cli {

/// Called with the arguments in place. Throws Error.
using Action = std::function<void(Console&)>;

struct Example {
  std::string_view command;  // as typed
  std::string_view says;     // what it is good for
};

/// The headings of the overview, in this order.
enum class Group { life, models, use, judge, other };

struct Command {
  std::string_view name;
  Group group;
  std::string_view summary;  // one line
  std::string_view about;    // a paragraph for --help, may be empty
  std::vector<Example> examples;
  /// Declares the arguments; the action keeps the targets alive.
  Action (*prepare)(Arguments&);
  bool json = true;  // whether there is a --json
};

/// All sub-commands, in the order of the overview.
std::span<const Command* const> commands();

/// nullptr if there is none of that name.
const Command* find_command(std::string_view name);

/// The action of a command and the arguments that it and every command take. `json` and `help` are
/// set by parsing.
struct Prepared {
  explicit Prepared(const Command& command);
  Arguments arguments;
  bool json = false, help = false;
  Action action;
};

}  // namespace pomona::cli
