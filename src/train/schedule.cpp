#include "train/schedule.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <string>

#include "base/error.h"
#include "train/names.h"

namespace pomona::train {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"constant", "linear", "cosine", "wsd"};

std::int64_t steps_of(double count, std::int64_t steps, std::string_view what) {
  if (count >= 0 && count < 1)
    return static_cast<std::int64_t>(std::ceil(count * static_cast<double>(steps)));
  if (!(count >= 1 && count < 1e15) || count != std::floor(count))
    fail(ErrorKind::bad_argument,
         "schedule: {} {} is neither a share of the steps below 1 nor a number of steps", what,
         count);
  return static_cast<std::int64_t>(count);
}

double half_wave(double part) {
  return std::max(0.0, 0.5 * (1.0 + std::cos(std::numbers::pi * part)));
}

}  // namespace

ScheduleKind parse_schedule(std::string_view name) {
  return static_cast<ScheduleKind>(index_of(name, kNames, "schedule"));
}

std::string_view name_of(ScheduleKind kind) { return kNames[static_cast<std::size_t>(kind)]; }

Schedule::Schedule(const ScheduleSettings& settings, std::int64_t steps)
    : kind_(settings.kind),
      steps_(steps),
      warmup_(steps_of(settings.warmup, steps, "warm-up")),
      decay_(kind_ == ScheduleKind::wsd ? steps_of(settings.decay, steps, "decay") : 0),
      least_(settings.least) {
  if (steps < 0) fail(ErrorKind::bad_argument, "schedule: {} steps", steps);
  if (warmup_ > steps || decay_ > steps - warmup_)
    fail(ErrorKind::bad_argument,
         "schedule: {} steps of warm-up and {} of decay are more than the {} of the run", warmup_,
         decay_, steps);
  if (!(least_ >= 0 && least_ <= 1))
    fail(ErrorKind::bad_argument, "schedule: least factor {} is not within 0 and 1", least_);
}

double Schedule::factor(std::int64_t step) const {
  const auto s = static_cast<double>(step), N = static_cast<double>(steps_),
             W = static_cast<double>(warmup_), D = static_cast<double>(decay_);
  if (step < warmup_) {
    const double start = kind_ == ScheduleKind::wsd ? least_ : 0;
    return s / std::max(1.0, W) * (1 - start) + start;
  }
  switch (kind_) {
    case ScheduleKind::constant:
      return 1;
    case ScheduleKind::linear:
      return std::max(0.0, (N - s) / std::max(1.0, N - W));
    case ScheduleKind::cosine:
      return half_wave((s - W) / std::max(1.0, N - W));
    case ScheduleKind::wsd:
      if (step < steps_ - decay_) return 1;
      if (step >= steps_) return least_;
      return half_wave((s - (N - D)) / std::max(1.0, D)) * (1 - least_) + least_;
  }
  fail(ErrorKind::internal, "schedule: kind {}", static_cast<int>(kind_));
}

}  // namespace pomona::train
