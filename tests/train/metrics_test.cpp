// The log of a run: what is written, and that an interruption leaves no trace in it.
#include "train/metrics.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/file.h"
#include "tests/support/temp_folder.h"

namespace pomona::train {
namespace {

StepMetrics step_metrics(std::int64_t step) { return {step, 0.5, 2.25, 1e-4, 0.75, 100, 30, 0.5}; }

EvaluationMetrics evaluation_metrics(std::int64_t step) {
  EvaluationMetrics metrics;
  metrics.step = step;
  metrics.loss = 1.5;
  metrics.sets = {{"notes", 1.25}, {"sums", 1.75}};
  metrics.general = 3.5;
  metrics.forgetting = 0.125;
  metrics.best = true;
  metrics.seconds = 2;
  return metrics;
}

TEST(Metrics, OneRecordALine) {
  const test::TempFolder folder;
  MetricsLog log(folder / "metrics.jsonl", 0);
  log.add(step_metrics(1));
  log.add(evaluation_metrics(1));
  EXPECT_EQ(
      read_file(folder / "metrics.jsonl"),
      "{\"step\":1,\"epoch\":0.5,\"loss\":2.25,\"learning_rate\":0.0001,\"gradient_norm\":0.75,"
      "\"tokens\":100,\"supervised_tokens\":30,\"tokens_per_second\":200.0,\"seconds\":0.5}\n"
      "{\"step\":1,\"eval_loss\":1.5,\"sets\":{\"notes\":1.25,\"sums\":1.75},\"general_loss\":3.5,"
      "\"forgetting\":0.125,\"best\":true,\"seconds\":2.0}\n");
}

TEST(Metrics, WhatIsNotKnownIsNotInvented) {
  StepMetrics step = step_metrics(1);
  step.loss = std::numeric_limits<double>::quiet_NaN();
  step.seconds = 0;
  const Json record = Json::parse(to_json(step).dump());
  EXPECT_TRUE(record.at("loss").is_null());
  EXPECT_TRUE(record.at("tokens_per_second").is_null());
  EvaluationMetrics evaluation;
  evaluation.sets = {{"train", 0.0}};
  EXPECT_EQ(to_json(evaluation).dump(),
            "{\"step\":0,\"eval_loss\":0.0,\"best\":false,\"seconds\":0.0}");
}

TEST(Metrics, AResumedLogIsThatOfAnUninterruptedRun) {
  const test::TempFolder folder;
  const fs::path straight = folder / "straight.jsonl", cut = folder / "cut.jsonl";
  MetricsLog whole(straight, 0);
  std::uint64_t kept = 0;
  {
    MetricsLog log(cut, 0);
    for (std::int64_t step = 1; step <= 5; ++step) {
      log.add(step_metrics(step));
      if (step == 3) {
        log.add(evaluation_metrics(step));
        kept = log.sync();
      }
    }
  }
  EXPECT_EQ(kept, 4u);
  AppendedFile(cut).append("{\"step\":6,\"lo");  // it was killed here
  MetricsLog log(cut, kept);
  EXPECT_EQ(log.sync(), 4u);
  for (std::int64_t step = 1; step <= 6; ++step) {
    whole.add(step_metrics(step));
    if (step == 3) whole.add(evaluation_metrics(step));
    if (step > 3) log.add(step_metrics(step));
  }
  EXPECT_EQ(read_file(cut), read_file(straight));
  EXPECT_EQ(log.sync(), 7u);
}

TEST(Metrics, AFreshRunForgetsTheOldLog) {
  const test::TempFolder folder;
  MetricsLog(folder / "metrics.jsonl", 0).add(step_metrics(1));
  MetricsLog log(folder / "metrics.jsonl", 0);
  EXPECT_EQ(read_file(folder / "metrics.jsonl"), "");
  EXPECT_EQ(log.sync(), 0u);
}

}  // namespace
}  // namespace pomona::train
