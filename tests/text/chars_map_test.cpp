// SentencePiece's precompiled character maps as hostile files.
#include "text/chars_map.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/text.h"
#include "tests/support/corpus.h"
#include "tests/support/refused.h"
#include "tests/text/chars_map_exercise.h"

namespace pomona::text {
namespace {

/// A map made by SentencePiece itself: "ab" becomes "xyz", U+FF21 "A", A and U+0301 together
/// U+00C1.
std::string rules() {
  return read_file(std::filesystem::path(POMONA_SOURCE_DIR) / "tests/corpus/chars_map/valid_rules");
}

TEST(CharsMap, ReplacesTheLongest) {
  std::string text = "cab \uFF21A\u0301";
  sentencepiece_step(std::make_shared<const CharsMap>(rules()),
                     std::make_shared<const AddedTokens>(), {.prefix = false})(text);
  EXPECT_EQ(text, "cxyz\u2581A\u00C1");
}

TEST(CharsMap, ReplacementsAreUtf8) {
  EXPECT_EQ(test::refused([] { CharsMap(replace_all(rules(), "xyz", "x\xFFz")); }),
            "bad_file: precompiled character map: byte 1037: a replacement is not UTF-8");
}

TEST(CharsMapCorpus, ReplaysWithoutACrash) {
  test::replay_corpus("chars_map", 1, [](const std::filesystem::path& path) {
    return exercise_chars_map(read_file(path));
  });
}

}  // namespace
}  // namespace pomona::text
