// The real model, rewritten and split. Skips where it is absent (./run fetches it).
#include "store/gguf_output.h"

#include <gtest/gtest.h>

#include "base/hash.h"
#include "tests/support/real_model.h"
#include "tests/support/temp_folder.h"

namespace pomona::store {
namespace {

TEST(GgufOutputReal, RewritingAndJoiningGiveTheSameBytes) {
  const auto path = test::real_model();
  if (!path) GTEST_SKIP() << test::kNoRealModel;
  const test::TempFolder folder;
  const GgufFile file(*path);
  const auto parts = write_gguf(folder / "m.gguf", output_of(file), 40'000'000);
  EXPECT_EQ(parts.size(), 3u);
  write_gguf(folder / "whole.gguf", output_of(GgufFile(parts[1])));
  EXPECT_EQ(sha256_file(folder / "whole.gguf"), sha256_file(*path));
}

}  // namespace
}  // namespace pomona::store
