// The ways in and out of the program: standard input, output and error, Ctrl-C, progress. Results
// go to standard output, everything else to standard error.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "base/progress.h"
#include "cli/progress_bar.h"

namespace pomona::cli {

/// `text` with the commands that it suggests, as in "run `pomona pull NAME`", as the user can type
/// them who started `program`.
std::string as_typed(std::string_view text, std::string_view program);

class Console {
 public:
  Console();

  /// Results are JSON (`--json`).
  bool json = false;
  /// The printed JSON already has the error that ends the command.
  bool error_is_told = false;
  /// How the user started Pomona, for commands that are suggested: "pomona" or "./pomona".
  std::string program = "pomona";

  /// Text of the result, as it is. Throws exhausted for a full disk, io for what else keeps it from
  /// being written.
  void print(std::string_view text);
  /// {"kind", "message"}.
  Json error_json(const Error& error) const;
  /// One JSON object on a line of its own.
  void print_json(const Json& object);
  /// Makes what was printed visible. Throws as print.
  void flush();

  /// A line for people, on standard error.
  void note(std::string_view line) { progress_.note(line); }
  /// Text without a line end on standard error, such as a prompt.
  void prompt(std::string_view text);

  /// All of standard input. Throws cancelled on Ctrl-C, io.
  std::string read_input();
  /// The next line of standard input without its end; nullopt at its end. Throws cancelled on
  /// Ctrl-C, io.
  std::optional<std::string> read_line();

  ProgressSink& progress() { return progress_; }
  StopToken& stop() { return stop_; }

  bool input_is_terminal() const { return input_is_terminal_; }
  bool output_is_terminal() const { return output_is_terminal_; }
  bool error_is_terminal() const { return error_is_terminal_; }

 private:
  bool fill();

  StopToken& stop_;
  bool input_is_terminal_, output_is_terminal_, error_is_terminal_;
  ProgressBar progress_;
  std::string pending_;  // read but not handed out
};

}  // namespace pomona::cli
