// libFuzzer entry for adapters. Seeds and finds: tests/corpus/adapter.
#include "tests/model/adapter_exercise.h"
#include "tests/support/memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pomona::model::exercise_adapter(pomona::test::memory_file(data, size));
  return 0;
}
