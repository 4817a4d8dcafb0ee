// Ctrl-C (SIGINT) and SIGTERM as a stop request; the second one ends the process at once.
#pragma once
#include "base/progress.h"

namespace pomona::cli {

/// Catches both signals from now on. The token is the process's: a signal handler can only reach
/// what is global.
StopToken& catch_interrupts();

/// A descriptor that can be read while a stop is asked for: who waits for input waits for it as
/// well. (A signal between a look at the token and the wait would be missed; so would one that
/// another thread catches.)
int interrupt_descriptor();

/// After a request was served and the program goes on (a chat keeps going): the next signal asks
/// politely again.
void forget_interrupt();

}  // namespace pomona::cli
