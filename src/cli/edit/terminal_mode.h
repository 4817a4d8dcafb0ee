// How the terminal gives us what is typed: key by key, and back to what it was in any case.
#pragma once

namespace pomona::cli {

/// For one object at a time: the terminal is the process's.
class TerminalMode {
 public:
  /// Of standard input. From now on typed lines wait, unseen, until somebody reads them: see
  /// busy().
  TerminalMode();
  /// The terminal is as it was.
  ~TerminalMode();
  TerminalMode(const TerminalMode&) = delete;
  TerminalMode& operator=(const TerminalMode&) = delete;

  /// Every key comes as it is; Ctrl-C is one of them. Pasted text is marked as such.
  static void keys();
  /// Keys wait; Ctrl-C is a signal.
  static void busy();
  /// Stops the process, as Ctrl-Z does, on a terminal as it was; returns when it goes on, in
  /// keys().
  static void suspend();
};

/// The terminal is as it was; does nothing without a TerminalMode. Safe in a signal handler.
void restore_terminal() noexcept;

/// A descriptor that can be read once the terminal's size has changed; read_resize() empties it.
int resize_descriptor();
void read_resize();

}  // namespace pomona::cli
