#include "cli/interrupt.h"

#include <signal.h>
#include <unistd.h>

#include "base/error.h"

namespace pomona::cli {
namespace {

StopToken process_stop;

extern "C" void on_interrupt(int) {
  if (process_stop.requested()) ::_exit(exit_code(ErrorKind::cancelled));
  process_stop.request();
}

}  // namespace

StopToken& catch_interrupts() {
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

void forget_interrupt() { process_stop.clear(); }

}  // namespace pomona::cli
