// Command lines and what they must do, as data: tests/cases/cli/*.case.
//
//   == a sentence that names the case
//   $ command line for sh, with `pomona` on the PATH; it starts in an empty folder
//   exit 2
//   -- stdin         sections; all but the command may be left out. A text that is left out must
//   -- stdout        be empty. `-- file NAME` makes a file first.
//   -- stderr
//   -- json          standard output holds this object: every key of it, "*" being any value
//   -- has           standard output has each of these lines somewhere
//
// GOLDEN stands for tests/golden, HOME for $POMONA_HOME (empty for each case), HERE for the folder
// that the case starts in. $APP is tests/cases/tiny_app, an application to copy.
#pragma once
#include <filesystem>
#include <map>
#include <ostream>
#include <string>
#include <vector>

namespace pomona::test {

struct CliCase {
  std::string file;  // "list.case"
  std::string name;
  std::string command;
  int exit_code = 0;
  std::map<std::string, std::string> sections;  // "stdout" -> text
};

/// How GoogleTest prints a case.
inline std::ostream& operator<<(std::ostream& out, const CliCase& one) { return out << one.name; }

struct CliOutcome {
  int exit_code = 0;
  std::string out, error;
};

/// All cases of a folder, in the order of file names and lines. Throws bad_file with file and line.
std::vector<CliCase> read_cli_cases(const std::filesystem::path& folder);

/// Runs a case in a fresh folder with an empty $POMONA_HOME.
CliOutcome run_cli_case(const CliCase& one);

/// What differs from what the case demands, a line each; empty: nothing does.
std::string differences(const CliCase& one, const CliOutcome& outcome);

/// Runs an sh command line with `pomona` on the PATH in `folder`; standard input is empty unless
/// the command says otherwise.
CliOutcome run_shell(const std::string& command, const std::filesystem::path& folder);

}  // namespace pomona::test
