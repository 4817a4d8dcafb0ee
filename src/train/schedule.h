// The learning rate as a factor over the steps of a run: the formulas of transformers'
// get_*_schedule functions (optimization.py); WSD is Hu et al. 2024, arXiv:2404.06395.
#pragma once
#include <cstdint>
#include <string_view>

namespace pomona::train {

enum class ScheduleKind { constant, linear, cosine, wsd };

/// Throws bad_argument for an unknown name, suggesting the nearest of constant, linear, cosine,
/// wsd.
ScheduleKind parse_schedule(std::string_view name);
std::string_view name_of(ScheduleKind kind);

struct ScheduleSettings {
  ScheduleKind kind = ScheduleKind::cosine;
  /// Steps of warm-up from 1 on; below 1 a share of all steps, rounded up.
  double warmup = 0;
  /// WSD's last steps, in which the rate falls: a number or a share, as warmup.
  double decay = 0.1;
  double least = 0;  // the factor that WSD's warm-up starts at and its decay ends at
};

/// The factor of each step of a run of `steps` steps.
class Schedule {
 public:
  /// Throws bad_argument for negative or fractional numbers of steps, for warm-up and decay that
  /// are longer than the run together, and for `least` outside [0, 1].
  Schedule(const ScheduleSettings& settings, std::int64_t steps);

  /// What the learning rate is multiplied with in step `step`, counted from 0. Warm-up starts at 0
  /// (wsd: at least) and reaches 1 in step warmup_steps(), in equal steps. Then, with W of warm-up,
  /// D of decay and N of all,
  ///   constant 1;  linear (N - s) / (N - W);  cosine (1 + cos(pi (s - W) / (N - W))) / 2;
  ///   wsd 1, and in the last D steps least + (1 - least) (1 + cos(pi (s - N + D) / D)) / 2.
  double factor(std::int64_t step) const;

  std::int64_t warmup_steps() const { return warmup_; }
  std::int64_t decay_steps() const { return decay_; }

 private:
  ScheduleKind kind_;
  std::int64_t steps_, warmup_, decay_;
  double least_;
};

}  // namespace pomona::train
