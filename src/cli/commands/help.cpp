// `pomona help [COMMAND]`.
#include "cli/help.h"

#include <unistd.h>

#include <memory>

#include "base/error.h"
#include "cli/command.h"
#include "cli/terminal.h"

namespace pomona::cli {
namespace {

Action prepare(Arguments& arguments) {
  auto name = std::make_shared<std::string>();
  arguments.positional("COMMAND", *name, "one of the commands").optional();
  return [name](Console& console) {
    const std::size_t columns = terminal_columns(STDOUT_FILENO);
    if (name->empty()) return console.print(overview(columns, console.program));
    const Command* command = find_command(*name);
    if (command == nullptr) {
      fail(ErrorKind::bad_argument, "help: there is no command \"{}\"; `pomona` alone lists them",
           *name);
    }
    console.print(help_page(*command, columns, console.program));
  };
}

}  // namespace

extern const Command kHelp = {
    .name = "help",
    .group = Group::other,
    .summary = "what a command does, with examples",
    .about = "",
    .examples = {{"pomona help generate", "the same as pomona generate --help"}},
    .prepare = prepare,
    .json = false,
};

}  // namespace pomona::cli
