// Ctrl-C (SIGINT) and SIGTERM as a stop request; the second one ends the process at once.
#pragma once
#include "base/progress.h"

namespace pomona::cli {

/// Catches both signals from now on. The token is the process's: a signal handler can only reach
/// what is global.
StopToken& catch_interrupts();

/// After a request was served and the program goes on (a chat keeps going): the next signal asks
/// politely again.
void forget_interrupt();

}  // namespace pomona::cli
