#include "cli/progress_bar.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "base/quote.h"
#include "base/text.h"
#include "cli/terminal.h"

namespace pomona::cli {
namespace {

constexpr double kRedrawSeconds = 0.1;
constexpr double kLineSeconds = 5;
/// Rates of shorter spans jump too much to be told.
constexpr double kLeastSeconds = 0.5;
constexpr std::size_t kBarColumns = 24, kLeastBarColumns = 8;

std::string amount(std::uint64_t value, std::string_view unit) {
  return unit == "bytes" ? human_bytes(value) : fmt::format("{}", value);
}

std::string speed(double rate, std::string_view unit) {
  if (unit == "bytes") return human_bytes(static_cast<std::uint64_t>(rate)) + "/s";
  if (rate >= 10) return fmt::format("{:.0f} {}/s", rate, unit);
  if (rate >= 1) return fmt::format("{:.1f} {}/s", rate, unit);
  return fmt::format("{:.1f} {}/min", rate * 60, unit);
}

}  // namespace

void ProgressBar::begin(std::string_view what, std::uint64_t total, std::string_view unit) {
  const std::lock_guard lock(mutex_);
  what_ = what;
  unit_ = unit;
  total_ = total;
  began_ = output_.clock();
  shown_ = output_.terminal ? -std::numeric_limits<double>::infinity() : began_;
  running_ = true;
  told_ = false;
  has_first_ = false;
}

void ProgressBar::update(std::uint64_t done, std::string_view note) {
  const std::lock_guard lock(mutex_);
  if (!running_) return;
  const double now = output_.clock();
  if (!has_first_) {
    first_done_ = done;
    first_time_ = now;
    has_first_ = true;
  }
  if (now - shown_ < (output_.terminal ? kRedrawSeconds : kLineSeconds)) return;
  shown_ = now;
  draw(done, note);
}

/// "[#####.....]  45 %  41 of 92 MB, 12 MB/s, 4.2 s left", with as much as is known.
std::string ProgressBar::state(std::uint64_t done, std::size_t bar_columns) const {
  std::string text;
  if (total_ > 0) {
    const double share = std::min(1.0, static_cast<double>(done) / static_cast<double>(total_));
    if (bar_columns > 0) {
      const auto full = static_cast<std::size_t>(share * static_cast<double>(bar_columns));
      text += fmt::format("[{}{}] ", std::string(full, '#'), std::string(bar_columns - full, '.'));
    }
    text +=
        fmt::format("{:3.0f} %, {} of {}", share * 100, amount(done, unit_), amount(total_, unit_));
  } else {
    text += amount(done, unit_);
  }
  if (unit_ != "bytes") text += " " + unit_;
  const double span = output_.clock() - first_time_;
  if (span < kLeastSeconds || done <= first_done_) return text;
  const double rate = static_cast<double>(done - first_done_) / span;
  text += ", " + speed(rate, unit_);
  if (total_ > done) {
    text += fmt::format(", {} left", human_duration(static_cast<double>(total_ - done) / rate));
  }
  return text;
}

void ProgressBar::draw(std::uint64_t done, std::string_view note) {
  told_ = true;
  const std::string behind = note.empty() ? "" : fmt::format(" ({})", note);
  if (!output_.terminal) {
    output_.write(fmt::format("{}: {}{}\n", what_, trim(state(done, 0)), behind));
    return;
  }
  const std::size_t columns = output_.columns();
  const std::string without_bar = fmt::format("{}  {}{}", what_, state(done, 0), behind);
  const std::size_t used = display_width(without_bar) + 4;  // brackets, a space, the last column
  const std::size_t room = columns > used ? std::min(columns - used, kBarColumns) : 0;
  const std::string line = room < kLeastBarColumns
                               ? without_bar
                               : fmt::format("{}  {}{}", what_, state(done, room), behind);
  output_.write(fmt::format("\r{}\x1b[K", fit(line, columns - 1)));
  drawn_ = true;
}

void ProgressBar::end(std::string_view summary) {
  const std::lock_guard lock(mutex_);
  if (!running_) return;
  running_ = false;
  if (drawn_) output_.write("\r\x1b[K");
  drawn_ = false;
  if (!summary.empty()) {
    output_.write(fmt::format("{}\n", summary));
  } else if (told_) {
    output_.write(fmt::format("{}: done in {}\n", what_, human_duration(output_.clock() - began_)));
  }
}

void ProgressBar::note(std::string_view line) {
  const std::lock_guard lock(mutex_);
  if (drawn_) output_.write("\r\x1b[K");
  drawn_ = false;
  output_.write(printable(line) + "\n");
}

void ProgressBar::erase() {
  const std::lock_guard lock(mutex_);
  if (drawn_) output_.write("\r\x1b[K");
  drawn_ = false;
}

}  // namespace pomona::cli
