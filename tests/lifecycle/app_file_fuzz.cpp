// libFuzzer entry for application files. Seeds and finds: tests/corpus/app_file.
#include "tests/lifecycle/app_file_exercise.h"
#include "tests/support/memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pomona::lifecycle::exercise_app_file(pomona::test::memory_file(data, size));
  return 0;
}
