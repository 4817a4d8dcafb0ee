// libFuzzer entry for model files. Seeds and finds: tests/corpus/load.
#include "tests/model/load_exercise.h"
#include "tests/support/memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pomona::model::exercise_model_file(pomona::test::memory_file(data, size));
  return 0;
}
