#include "tests/support/terminal_program.h"

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

#include "base/clock.h"

namespace pomona::test {

TerminalProgram::TerminalProgram(const std::vector<std::string>& arguments) {
  std::vector<std::string> words = {"pomona"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  struct winsize size = {};
  size.ws_row = 24;
  size.ws_col = 80;
  child_ = ::forkpty(&terminal_, nullptr, nullptr, &size);
  if (child_ < 0) throw std::runtime_error("cannot make a terminal");
  if (child_ == 0) {
    ::setenv("TERM", "xterm", 1);
    ::execv(POMONA_BINARY, pointers.data());
    ::_exit(127);
  }
}

TerminalProgram::~TerminalProgram() {
  if (child_ > 0) {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  ::close(terminal_);
}

void TerminalProgram::type(std::string_view text) {
  if (::write(terminal_, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    throw std::runtime_error("cannot type");
}

void TerminalProgram::resize(unsigned short columns) {
  struct winsize size = {};
  size.ws_row = 24;
  size.ws_col = columns;
  if (::ioctl(terminal_, TIOCSWINSZ, &size) != 0) throw std::runtime_error("cannot resize");
}

bool TerminalProgram::echoes() const {
  struct termios mode = {};
  if (::tcgetattr(terminal_, &mode) != 0) throw std::runtime_error("no terminal");
  return (mode.c_lflag & ECHO) != 0;
}

bool TerminalProgram::read_more(double seconds) {
  struct pollfd poll = {terminal_, POLLIN, 0};
  if (::poll(&poll, 1, static_cast<int>(seconds * 1000)) <= 0) return false;
  char buffer[4096];
  const ssize_t count = ::read(terminal_, buffer, sizeof buffer);
  if (count <= 0) return false;  // the program has closed its side
  unread_.append(buffer, static_cast<std::size_t>(count));
  return true;
}

bool TerminalProgram::shows(std::string_view text) {
  const double deadline = steady_seconds() + 20;
  for (;;) {
    const std::size_t at = unread_.find(text);
    if (at != std::string::npos) {
      unread_.erase(0, at + text.size());
      return true;
    }
    const double left = deadline - steady_seconds();
    if (left <= 0 || !read_more(left)) return false;
  }
}

int TerminalProgram::wait() {
  const double deadline = steady_seconds() + 20;
  while (steady_seconds() < deadline && read_more(deadline - steady_seconds())) {
  }
  int status = 0;
  for (;;) {
    const pid_t ended = ::waitpid(child_, &status, WNOHANG);
    if (ended == child_) break;
    if (steady_seconds() > deadline) return -1;
    ::usleep(5000);
  }
  child_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace pomona::test
