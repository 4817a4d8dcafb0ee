// Importance matrices as hostile files.
#include "compress/imatrix.h"

#include <gtest/gtest.h>

#include "tests/compress/imatrix_exercise.h"
#include "tests/support/corpus.h"

namespace pomona::compress {
namespace {

TEST(ImatrixCorpus, ReplaysWithoutACrash) { test::replay_corpus("imatrix", 3, exercise_imatrix); }

}  // namespace
}  // namespace pomona::compress
