// Time: a steady clock in seconds, and the wall clock as ISO 8601 text.
#pragma once
#include <string>

namespace pomona {

/// Seconds on a steady clock with an arbitrary start.
double steady_seconds();

/// Measures from its construction.
class Stopwatch {
 public:
  double seconds() const { return steady_seconds() - start_; }

 private:
  double start_ = steady_seconds();
};

/// The present time in UTC, "2026-11-24T23:45:00Z".
std::string utc_now();

}  // namespace pomona
