// Runs the program on a terminal of its own, as a user at a keyboard would see it.
#pragma once
#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace pomona::test {

class TerminalProgram {
 public:
  /// Starts `pomona` with these arguments on a terminal of 80 columns.
  explicit TerminalProgram(const std::vector<std::string>& arguments);
  /// Kills it if it still runs.
  ~TerminalProgram();
  TerminalProgram(const TerminalProgram&) = delete;
  TerminalProgram& operator=(const TerminalProgram&) = delete;

  /// Types text; "\r" is Enter, "\x03" Ctrl-C, "\x04" Ctrl-D.
  void type(std::string_view text);

  /// Waits until `text` appears behind what was waited for before; false after 20 seconds or at the
  /// program's end.
  bool shows(std::string_view text);

  /// Everything written since the last text that was waited for.
  const std::string& unread() const { return unread_; }

  /// Makes the terminal wider or narrower.
  void resize(unsigned short columns);
  /// Whether it shows by itself what is typed.
  bool echoes() const;

  /// Waits for the end: the exit code, or 128 + the signal's number.
  int wait();

 private:
  bool read_more(double seconds);

  pid_t child_ = -1;
  int terminal_ = -1;
  std::string unread_;
};

}  // namespace pomona::test
