// Free memory, read from files as Linux has them.
#include "base/free_memory.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "tests/support/temp_folder.h"

namespace pomona {
namespace {

TEST(FreeMemory, IsTheLesserOfTheComputersAndTheGroups) {
  const test::TempFolder folder;
  const auto free_bytes = [&] { return free_memory_bytes(folder / "proc", folder / "group"); };
  EXPECT_EQ(free_bytes(), 0u);
  write_file(folder / "proc/meminfo",
             "MemTotal:       24000 kB\nMemFree:         1000 kB\nMemAvailable:    8000 kB\n");
  EXPECT_EQ(free_bytes(), 8192000u);
  write_file(folder / "group/memory.max", "max\n");
  write_file(folder / "group/memory.current", "1000\n");
  EXPECT_EQ(free_bytes(), 8192000u);
  write_file(folder / "group/memory.max", "5000\n");
  EXPECT_EQ(free_bytes(), 4000u);
  write_file(folder / "group/memory.current", "6000\n");
  EXPECT_EQ(free_bytes(), 0u);
}

TEST(FreeMemory, OfThisComputerIsSomething) { EXPECT_GT(free_memory_bytes(), 0u); }

}  // namespace
}  // namespace pomona
