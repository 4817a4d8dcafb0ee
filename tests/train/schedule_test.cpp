// Schedules against transformers' (tests/golden/schedules, by tools/oracle/optimisers.py).
#include "train/schedule.h"

#include <gtest/gtest.h>

#include "tests/support/golden.h"
#include "tests/support/refused.h"

namespace pomona::train {
namespace {

TEST(Schedule, GivesTheRatesOfTheReference) {
  const golden::Golden golden("schedules");
  const auto& cases = golden.facts()["cases"];
  ASSERT_GT(cases.size(), 10u);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto& c = cases[i];
    ScheduleSettings settings;
    settings.kind = parse_schedule(c["kind"].get<std::string>());
    settings.warmup = c["warmup"].get<double>();
    settings.decay = c["decay"].get<double>();
    settings.least = c["least"].get<double>();
    const Schedule schedule(settings, c["steps"].get<std::int64_t>());
    const auto rates = golden.numbers("rates." + std::to_string(i));
    for (std::size_t s = 0; s < rates.size(); ++s) {
      // The same formula in f64: its rounding only.
      EXPECT_NEAR(schedule.factor(static_cast<std::int64_t>(s)), rates[s], 1e-12)
          << c.dump() << " step " << s;
    }
  }
}

TEST(Schedule, SharesOfStepsAreRoundedUp) {
  const Schedule schedule({ScheduleKind::wsd, 0.03, 0.1, 0}, 101);
  EXPECT_EQ(schedule.warmup_steps(), 4);
  EXPECT_EQ(schedule.decay_steps(), 11);
  EXPECT_EQ(Schedule({ScheduleKind::linear, 0, 0.1, 0}, 5).warmup_steps(), 0);
  EXPECT_EQ(Schedule({ScheduleKind::linear, 1, 0.1, 0}, 5).warmup_steps(), 1);
}

TEST(Schedule, NamesComeBack) {
  for (const ScheduleKind kind :
       {ScheduleKind::constant, ScheduleKind::linear, ScheduleKind::cosine, ScheduleKind::wsd}) {
    EXPECT_EQ(parse_schedule(name_of(kind)), kind);
  }
}

TEST(Schedule, RefusesWhatMakesNoSense) {
  EXPECT_EQ(test::refused([] { parse_schedule("cosin"); }),
            "bad_argument: schedule \"cosin\" is unknown; did you mean \"cosine\"?");
  EXPECT_EQ(test::refused([] { parse_schedule("polynomial"); }),
            "bad_argument: schedule \"polynomial\" is unknown; there are constant, linear, cosine, "
            "wsd");
  EXPECT_EQ(test::refused([] { Schedule({ScheduleKind::linear, 2.5, 0, 0}, 9); }),
            "bad_argument: schedule: warm-up 2.5 is neither a share of the steps below 1 nor a "
            "number of steps");
  EXPECT_EQ(test::refused([] { Schedule({ScheduleKind::wsd, 5, 6, 0}, 10); }),
            "bad_argument: schedule: 5 steps of warm-up and 6 of decay are more than the 10 of the "
            "run");
  EXPECT_EQ(test::refused([] { Schedule({ScheduleKind::wsd, 0, 0.1, 2}, 10); }),
            "bad_argument: schedule: least factor 2 is not within 0 and 1");
  EXPECT_THROW(Schedule({}, -1), Error);
}

}  // namespace
}  // namespace pomona::train
