// The choice of the instruction-set level.
#include "simd/cpu.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/error.h"

namespace pomona::simd {
namespace {

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
  try {
    level_in_use();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_argument);
    EXPECT_NE(std::string(error.what()).find("avx9"), std::string::npos);
  }
}

TEST_F(Isa, LevelThatTheProcessorLacksIsUnsupported) {
  if (highest_level() == Level::avx512) GTEST_SKIP() << "this processor has every level";
  setenv("POMONA_ISA", "avx512", 1);
  try {
    level_in_use();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::unsupported);
  }
}

}  // namespace
}  // namespace pomona::simd
