// The choice of the instruction-set level.
#include "simd/cpu.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <regex>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "tests/support/refused.h"

namespace pomona::simd {
namespace {

using test::error_of;

class Isa : public ::testing::Test {
 protected:
  void TearDown() override { unsetenv("POMONA_ISA"); }
};

TEST_F(Isa, HighestLevelUnlessTheEnvironmentSaysOtherwise) {
  unsetenv("POMONA_ISA");
  EXPECT_EQ(level_in_use(), highest_level());
  setenv("POMONA_ISA", "portable", 1);
  EXPECT_EQ(level_in_use(), Level::portable);
  setenv("POMONA_ISA", "", 1);
  EXPECT_EQ(level_in_use(), highest_level());
}

TEST_F(Isa, UnknownNameIsABadArgument) {
  setenv("POMONA_ISA", "avx9", 1);
  const Error error = error_of([] { level_in_use(); });
  EXPECT_EQ(error.kind(), ErrorKind::bad_argument);
  EXPECT_NE(std::string(error.what()).find("avx9"), std::string::npos);
}

TEST_F(Isa, LevelThatTheProcessorLacksIsUnsupported) {
  if (highest_level() == Level::avx512) GTEST_SKIP() << "this processor has every level";
  setenv("POMONA_ISA", "avx512", 1);
  EXPECT_EQ(error_of([] { level_in_use(); }).kind(), ErrorKind::unsupported);
}

/// Words of `text` that the pattern's group matches.
std::set<std::string> words(const std::string& text, const std::regex& pattern) {
  std::set<std::string> found;
  for (std::sregex_iterator match(text.begin(), text.end(), pattern), end; match != end; ++match)
    found.insert((*match)[1]);
  return found;
}

TEST(IsaSource, EveryFeatureThatKernelsAreCompiledForIsAskedOfTheProcessor) {
  const std::string source = POMONA_SOURCE_DIR;
  const auto compiled =
      words(read_file(source + "/cmake/Kernels.cmake"), std::regex(" -m([a-z0-9]+)(?=[ )\n])"));
  const auto asked = words(read_file(source + "/src/simd/cpu.cpp"),
                           std::regex("__builtin_cpu_supports\\(\"([a-z0-9]+)\"\\)"));
  EXPECT_GE(compiled.size(), 12u);
  EXPECT_EQ(compiled, asked);
}

}  // namespace
}  // namespace pomona::simd
