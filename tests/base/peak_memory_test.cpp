// What a process is said to have taken.
#include "base/peak_memory.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/json.h"
#include "tests/support/cli_case.h"
#include "tests/support/golden.h"
#include "tests/support/temp_folder.h"

namespace pomona::test {
namespace {

TEST(PeakMemory, IsTheProcessesOwnWhoeverStartedIt) {
  constexpr std::size_t kLarge = std::size_t{400} << 20;
  const std::vector<char> large(kLarge, 1);  // the program's starter is as large as this
  const TempFolder folder;
  const CliOutcome ended = run_shell(
      "exec pomona generate " + golden::path_of("llama_tiny.gguf").string() + " -p x -n 1 --json",
      folder.path());
  const auto peak = Json::parse(ended.out).at("peak_bytes").get<std::size_t>();
  EXPECT_LT(peak, kLarge / 2);
  EXPECT_GT(peak_resident_bytes(), large.size());
}

}  // namespace
}  // namespace pomona::test
