#include "tests/support/corpus.h"

#include <gtest/gtest.h>

namespace pomona::test {

void replay_corpus(std::string_view name, int valid,
                   const std::function<bool(const std::filesystem::path&)>& accepts) {
  int found = 0;
  for (const auto& entry : std::filesystem::directory_iterator(
           std::filesystem::path(POMONA_SOURCE_DIR) / "tests/corpus" / name)) {
    SCOPED_TRACE(entry.path());
    const bool accepted = accepts(entry.path());
    if (!entry.path().filename().string().starts_with("valid_")) continue;
    ++found;
    EXPECT_TRUE(accepted);
  }
  EXPECT_EQ(found, valid);
}

}  // namespace pomona::test
