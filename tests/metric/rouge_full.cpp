// ROUGE on 1,000 real pairs: Multi30k task 2 (image descriptions), test 2016, description 1 against
// description 2, for Lsum the lines 1, 3 against 2, 4. Means computed with rouge-score 0.1.2.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "base/text.h"
#include "metric/metric.h"

namespace pomona::metric {
namespace {

/// The lines of a gzip file.
std::vector<std::string> unzipped_lines(const std::string& path) {
  const std::string command = "gzip -dc '" + path + "'";
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string text;
  std::array<char, 1 << 16> buffer;
  while (const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) {
    text.append(buffer.data(), n);
  }
  std::vector<std::string> lines;
  for (const std::string_view line : split(text, '\n')) lines.emplace_back(line);
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

TEST(RougeFull, EqualsTheReferenceOnMulti30k) {
  const std::string folder = POMONA_SOURCE_DIR "/../shared/data/translation/multi30k";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no Multi30k data at " << folder;
  std::array<std::vector<std::string>, 4> lines;
  for (std::size_t k = 0; k < 4; ++k) {
    lines[k] = unzipped_lines(folder + "/test_2016." + std::to_string(k + 1) + ".en.gz");
    ASSERT_EQ(lines[k].size(), 1000u);
  }
  std::vector<std::string> two_predictions, two_references;
  for (std::size_t i = 0; i < 1000; ++i) {
    two_predictions.push_back(lines[0][i] + '\n' + lines[2][i]);
    two_references.push_back(lines[1][i] + '\n' + lines[3][i]);
  }
  struct Means {
    bool stemmer;
    std::array<double, 4> f1;
  };
  for (const Means& golden :
       {Means{false, {0.364521774637426, 0.127451381091071, 0.312935778686354, 0.409156662964227}},
        Means{true,
              {0.387298580254343, 0.137435265097312, 0.330012226984281, 0.428001631675087}}}) {
    MetricOptions options;
    options.stemmer = golden.stemmer;
    const auto single = score("rouge", options, lines[0], lines[1]);
    const auto two_lines = score("rouge", options, two_predictions, two_references);
    // The golden means are printed with 15 decimals; 1,000 additions of numbers below 1 lose less
    // than 1e-13.
    for (std::size_t k = 0; k < 3; ++k) EXPECT_NEAR(single[k].total(), golden.f1[k], 1e-13);
    EXPECT_NEAR(two_lines[3].total(), golden.f1[3], 1e-13);
  }
}

}  // namespace
}  // namespace pomona::metric
