// The bar and the lines, at given times.
#include "cli/progress_bar.h"

#include <gtest/gtest.h>

namespace pomona::cli {
namespace {

struct Fake {
  std::string text;
  double now = 100;
  ProgressOutput output(bool terminal, std::size_t columns = 100) {
    return {[this](std::string_view part) { text += part; }, terminal,
            [columns] { return columns; }, [this] { return now; }};
  }
};

TEST(ProgressBar, LinesComeEveryFiveSecondsAtMost) {
  Fake fake;
  ProgressBar bar(fake.output(false));
  bar.begin("pull", 100'000'000, "bytes");
  for (int second = 0; second <= 12; ++second) {
    bar.update(static_cast<std::uint64_t>(second) * 5'000'000);
    fake.now += 1;
  }
  bar.end("pull: 98 MB");
  EXPECT_EQ(fake.text,
            "pull: 25 %, 25.0 MB of 100 MB, 5.00 MB/s, 15.0 s left\n"
            "pull: 50 %, 50.0 MB of 100 MB, 5.00 MB/s, 10.0 s left\n"
            "pull: 98 MB\n");
}

TEST(ProgressBar, ShortWorkSaysNothingWhereThereIsNoTerminal) {
  Fake fake;
  ProgressBar bar(fake.output(false));
  bar.begin("evaluate", 10, "samples");
  bar.update(10);
  bar.end();
  EXPECT_EQ(fake.text, "");
}

TEST(ProgressBar, DrawsABarAndLeavesALine) {
  Fake fake;
  ProgressBar bar(fake.output(true));
  bar.begin("evaluate", 40, "samples");
  bar.update(0);
  fake.now += 2;
  bar.update(10, "4-shot");
  fake.now += 6;
  bar.end();
  EXPECT_EQ(fake.text,
            "\revaluate  [........................]   0 %, 0 of 40 samples\x1b[K"
            "\revaluate  [######..................]  25 %, 10 of 40 samples, 5.0 samples/s, 6.0 s "
            "left (4-shot)\x1b[K"
            "\r\x1b[Kevaluate: done in 8.0 s\n");
}

TEST(ProgressBar, ResumedWorkIsMeasuredFromWhereItBegan) {
  Fake fake;
  ProgressBar bar(fake.output(true, 60));
  bar.begin("pull", 100, "files");
  bar.update(90);
  fake.now += 10;
  fake.text.clear();
  bar.update(95);
  EXPECT_EQ(fake.text, "\rpull   95 %, 95 of 100 files, 30.0 files/min, 10.0 s left\x1b[K");
}

TEST(ProgressBar, TheBarShrinksBeforeAnythingIsCut) {
  Fake fake;
  ProgressBar bar(fake.output(true, 40));
  bar.begin("run", 4, "stages");
  bar.update(2);
  EXPECT_EQ(fake.text, "\rrun  [#####......]  50 %, 2 of 4 stages\x1b[K");
}

TEST(ProgressBar, ALongLineIsCutToTheTerminal) {
  Fake fake;
  ProgressBar bar(fake.output(true, 20));
  bar.begin("读取文件和模型", 4, "步");
  bar.update(1);
  EXPECT_EQ(fake.text, "\r读取文件和模型   2…\x1b[K");
}

TEST(ProgressBar, ANoteCannotSteerTheTerminal) {
  Fake fake;
  ProgressBar bar(fake.output(true));
  bar.note("server: \x1b[2J\nend");
  EXPECT_EQ(fake.text, "server: \\x1B[2J\nend\n");
}

TEST(ProgressBar, ANoteTakesTheBarAway) {
  Fake fake;
  ProgressBar bar(fake.output(true));
  bar.begin("run", 2, "stages");
  bar.update(1);
  fake.text.clear();
  bar.note("scope: cached");
  EXPECT_EQ(fake.text, "\r\x1b[Kscope: cached\n");
}

}  // namespace
}  // namespace pomona::cli
