// Kills `pomona run` at random moments and looks whether anything of it shows in the end.
#pragma once
#include <cstdint>
#include <string>

namespace pomona::test {

struct KilledRuns {
  int kills = 0;           // of a program that was still running
  int runs = 0;            // of the application, from an empty store to its report
  std::uint64_t kept = 0;  // finished answers that were there at a kill, all of them used later
};

/// Runs the tiny application undisturbed, then again and again from an empty store, each time
/// killed (SIGKILL) at moments that `seed` draws, until there were `kills` of them and the last run
/// has ended. Throws std::runtime_error, saying what and with which seed, when after a kill a
/// report is there by half, when a finished answer is made again, or when a run ends with other
/// answers, another report or other artefacts than the undisturbed one.
KilledRuns kill_and_compare(int kills, std::uint64_t seed);

}  // namespace pomona::test
