#include "cli/edit/terminal_mode.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <termios.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <string_view>

namespace pomona::cli {
namespace {

constexpr std::string_view kMarkPastes = "\x1b[?2004h";
constexpr std::string_view kPlainPastes = "\x1b[?2004l";

struct termios before;      // as the terminal was
std::atomic<bool> changed;  // it is otherwise now
std::atomic<bool> marks_pastes;
int resized = -1;  // an eventfd

void write_terminal(std::string_view text) noexcept {
  [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, text.data(), text.size());
}

void mark_pastes(bool mark) noexcept {
  if (marks_pastes.exchange(mark) != mark) write_terminal(mark ? kMarkPastes : kPlainPastes);
}

/// Enter is \r in either mode, so that what was typed while we were busy is the same as later.
void set_mode(bool signals) {
  struct termios mode = before;
  mode.c_iflag &= ~static_cast<tcflag_t>(ICRNL | INLCR | IGNCR | IXON);
  mode.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | IEXTEN | (signals ? 0 : ISIG));
  mode.c_cc[VMIN] = 1;
  mode.c_cc[VTIME] = 0;
  changed = true;
  ::tcsetattr(STDIN_FILENO, TCSADRAIN, &mode);
}

extern "C" void on_resize(int) {
  const int error = errno;
  ::eventfd_write(resized, 1);
  errno = error;
}

}  // namespace

TerminalMode::TerminalMode() {
  ::tcgetattr(STDIN_FILENO, &before);
  resized = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  struct sigaction action = {};
  action.sa_handler = on_resize;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGWINCH, &action, nullptr);
  busy();
}

TerminalMode::~TerminalMode() {
  restore_terminal();
  ::signal(SIGWINCH, SIG_DFL);
  ::close(resized);
  resized = -1;
}

void TerminalMode::keys() {
  set_mode(false);
  mark_pastes(true);
}

void TerminalMode::busy() {
  mark_pastes(false);
  set_mode(true);
}

void TerminalMode::suspend() {
  restore_terminal();
  ::raise(SIGTSTP);
  keys();
}

void restore_terminal() noexcept {
  mark_pastes(false);
  if (changed.exchange(false)) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
}

int resize_descriptor() { return resized; }

void read_resize() {
  eventfd_t count = 0;
  ::eventfd_read(resized, &count);
}

}  // namespace pomona::cli
