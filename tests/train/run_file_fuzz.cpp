// libFuzzer entry for run files. Seeds and finds: tests/corpus/run_file.
#include "tests/support/memory_file.h"
#include "tests/train/run_file_exercise.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pomona::train::exercise_run_file(pomona::test::memory_file(data, size));
  return 0;
}
