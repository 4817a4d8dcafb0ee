#include "cli/interrupt.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "cli/edit/terminal_mode.h"

namespace pomona::cli {
namespace {

StopToken process_stop;
int wake = -1;  // an eventfd

extern "C" void on_interrupt(int) {
  if (process_stop.requested()) {
    restore_terminal();
    ::_exit(exit_code(ErrorKind::cancelled));
  }
  process_stop.request();
  const int before = errno;
  ::eventfd_write(wake, 1);
  errno = before;
}

}  // namespace

StopToken& catch_interrupts() {
  if (wake < 0) wake = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  struct sigaction action = {};
  action.sa_handler = on_interrupt;  // without SA_RESTART: a read that waits for input comes back
  for (const int signal : {SIGINT, SIGTERM}) {
    struct sigaction before = {};
    ::sigaction(signal, nullptr, &before);
    // A shell starts background jobs with SIGINT ignored, so that Ctrl-C leaves them alone.
    if (before.sa_handler != SIG_IGN) ::sigaction(signal, &action, nullptr);
  }
  return process_stop;
}

int interrupt_descriptor() { return wake; }

void forget_interrupt() {
  process_stop.clear();
  eventfd_t count = 0;
  ::eventfd_read(wake, &count);
}

}  // namespace pomona::cli
