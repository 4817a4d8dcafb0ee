// Progress as people see it: a bar that redraws itself on a terminal, a plain line every few
// seconds elsewhere. Both say what, how much, how fast, and how long it will take.
#pragma once
#include <cstdint>
#include <cstdio>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/progress.h"

namespace pomona::cli {

/// Where progress goes; replaced by tests.
struct ProgressOutput {
  std::function<void(std::string_view)> write;
  bool terminal = false;
  std::function<std::size_t()> columns;            // asked at each redraw: windows change
  std::function<double()> clock = steady_seconds;  // seconds
};

/// May be told from several threads.
class ProgressBar final : public ProgressSink {
 public:
  explicit ProgressBar(ProgressOutput output) : output_(std::move(output)) {}
  ~ProgressBar() override { erase(); }

  void begin(std::string_view what, std::uint64_t total, std::string_view unit) override;
  void update(std::uint64_t done, std::string_view note = {}) override;
  void end(std::string_view summary = {}) override;
  void note(std::string_view line) override;

  /// Takes an unfinished bar off the terminal, before other text is written there.
  void erase();

 private:
  std::string state(std::uint64_t done, std::size_t bar_columns) const;
  void draw(std::uint64_t done, std::string_view note);

  ProgressOutput output_;
  std::mutex mutex_;
  std::string what_, unit_;
  std::uint64_t total_ = 0;
  double began_ = 0;
  double shown_ = 0;  // when something was last written
  bool running_ = false;
  bool drawn_ = false;            // a bar stands on the terminal
  bool told_ = false;             // this piece of work has been written about
  std::uint64_t first_done_ = 0;  // where it started, for resumed work
  double first_time_ = 0;         // when first_done_ was told
  bool has_first_ = false;
};

}  // namespace pomona::cli
