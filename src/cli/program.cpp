#include "cli/program.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <new>

#include "base/error.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/help.h"
#include "cli/terminal.h"

namespace pomona::cli {
namespace {

const Command& command_named(const std::string& name) {
  if (const Command* command = find_command(name)) return *command;
  std::vector<std::string> names;
  for (const Command* command : commands()) names.emplace_back(command->name);
  const auto near = nearest(name, names);
  fail(ErrorKind::bad_argument, "there is no command \"{}\"{}; `pomona` alone lists them", name,
       near ? fmt::format(", did you mean {}?", *near) : "");
}

/// Whether an option stands among the words, before a "--".
bool has_option(const std::vector<std::string>& words, std::string_view option) {
  const auto end = std::find(words.begin(), words.end(), "--");
  return std::find(words.begin(), end, option) != end;
}

void run(const std::vector<std::string>& words, Console& console) {
  if (words.empty() || words[0] == "--help" || words[0] == "-h") {
    console.print(overview(terminal_columns(STDOUT_FILENO), console.program));
    return;
  }
  if (words[0] == "--version") {
    console.print(version_line() + "\n");
    return;
  }
  const Command& command = command_named(words[0]);
  const std::vector<std::string> rest(words.begin() + 1, words.end());
  if (has_option(rest, "--help") || has_option(rest, "-h")) {
    console.print(help_page(command, terminal_columns(STDOUT_FILENO), console.program));
    return;
  }
  // Known before parsing, so that a bad command line is told as JSON as well.
  console.json = command.json && has_option(rest, "--json");
  Prepared prepared(command);
  prepared.arguments.parse(rest);
  prepared.action(console);
}

/// Standard error has the sentence; with --json the last object on standard output has it too.
int report(Console& console, const Error& error) {
  console.note(fmt::format("pomona: {}", error.what()));
  if (console.json && !console.error_is_told) {
    console.print_json(Json{{"error", console.error_json(error)}});
  }
  console.flush();
  return exit_code(error.kind());
}

}  // namespace

int run_program(const std::string& started_as, const std::vector<std::string>& words) {
  ::signal(SIGXFSZ, SIG_IGN);  // a file over the limit of its size is told as a full disk is
  Console console;
  if (started_as.starts_with("./")) console.program = started_as;
  try {
    try {
      run(words, console);
      console.flush();
      return 0;
    } catch (const Error& error) {
      return report(console, error);
    } catch (const std::bad_alloc&) {
      return report(console, Error(ErrorKind::exhausted, "out of memory"));
    } catch (const std::exception& error) {
      return report(console, Error(ErrorKind::internal, error.what()));
    }
  } catch (const Error& error) {  // standard output takes nothing
    return exit_code(error.kind());
  }
}

}  // namespace pomona::cli
