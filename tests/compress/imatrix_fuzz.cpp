// libFuzzer entry for importance matrices. Seeds and finds: tests/corpus/imatrix.
#include "tests/compress/imatrix_exercise.h"
#include "tests/support/memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pomona::compress::exercise_imatrix(pomona::test::memory_file(data, size));
  return 0;
}
