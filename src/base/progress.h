// What long work tells its caller (progress) and what the caller tells it (stop).
#pragma once
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace pomona {

/// Receives the progress of long work. The base class keeps quiet; the faces draw bars or print
/// lines.
class ProgressSink {
 public:
  virtual ~ProgressSink() = default;

  /// A piece of work starts: what it is, how many units, and their name ("bytes", "samples",
  /// "tokens").
  virtual void begin(std::string_view what, std::uint64_t total, std::string_view unit);
  /// `done` of the announced units are finished; `note` is shown behind the bar.
  virtual void update(std::uint64_t done, std::string_view note = {});
  /// The piece of work is over; `summary` replaces the bar.
  virtual void end(std::string_view summary = {});
  /// A line for people, e.g. a stage that was skipped.
  virtual void note(std::string_view line);
};

/// A sink that keeps quiet.
ProgressSink& no_progress();

/// Asked at safe points of long work; set by Ctrl-C or by a caller.
class StopToken {
 public:
  void request() { stop_.store(true, std::memory_order_relaxed); }
  void clear() { stop_.store(false, std::memory_order_relaxed); }
  bool requested() const { return stop_.load(std::memory_order_relaxed); }
  /// Throws cancelled if a stop was asked for.
  void check(std::string_view operation) const {
    if (requested()) fail(ErrorKind::cancelled, "{}: interrupted", operation);
  }

 private:
  std::atomic<bool> stop_ = false;
};

}  // namespace pomona
