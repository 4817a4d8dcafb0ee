#include "cli/console.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <utility>

#include "base/file.h"
#include "base/text.h"
#include "cli/interrupt.h"
#include "cli/terminal.h"

namespace pomona::cli {
namespace {

void write_error(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

[[noreturn]] void fail_output() { fail_io("write", "standard output", errno); }

}  // namespace

std::string as_typed(std::string_view text, std::string_view program) {
  return replace_all(replace_all(text, "`pomona ", fmt::format("`{} ", program)), "`pomona`",
                     fmt::format("`{}`", program));
}

Console::Console()
    : stop_(catch_interrupts()),
      input_is_terminal_(is_terminal(STDIN_FILENO)),
      output_is_terminal_(is_terminal(STDOUT_FILENO)),
      error_is_terminal_(is_terminal(STDERR_FILENO)),
      progress_({[this](std::string_view text) { write_error(as_typed(text, program)); },
                 error_is_terminal_, [] { return terminal_columns(STDERR_FILENO); }}) {}

void Console::print(std::string_view text) {
  if (output_is_terminal_) progress_.erase();
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) fail_output();
}

Json Console::error_json(const Error& error) const {
  return Json{{"kind", name_of(error.kind())}, {"message", as_typed(error.what(), program)}};
}

void Console::print_json(const Json& object) {
  print(object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

void Console::flush() {
  if (std::fflush(stdout) != 0) fail_output();
}

void Console::prompt(std::string_view text) {
  progress_.erase();
  write_error(text);
}

/// Reads what is there into pending_; false at the end of the input.
bool Console::fill() {
  char buffer[1 << 16];
  for (;;) {
    stop_.check("reading standard input");
    pollfd waited[] = {{STDIN_FILENO, POLLIN, 0}, {interrupt_descriptor(), POLLIN, 0}};
    const int ready = ::poll(waited, std::size(waited), -1);
    if (ready > 0 && waited[0].revents == 0) continue;
    const ssize_t count = ready > 0 ? ::read(STDIN_FILENO, buffer, sizeof buffer) : ready;
    if (count > 0) pending_.append(buffer, static_cast<std::size_t>(count));
    if (count >= 0) return count > 0;
    if (errno != EINTR) {
      fail(ErrorKind::io, "standard input: cannot read: {}", std::strerror(errno));
    }
  }
}

std::string Console::read_input() {
  while (fill()) {
  }
  return std::exchange(pending_, {});
}

std::optional<std::string> Console::read_line() {
  std::size_t end = 0;
  while ((end = pending_.find('\n', end)) == std::string::npos) {
    end = pending_.size();
    if (fill()) continue;
    if (pending_.empty()) return std::nullopt;
    return std::exchange(pending_, {});
  }
  std::string line = pending_.substr(0, end);
  pending_.erase(0, end + 1);
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

}  // namespace pomona::cli
